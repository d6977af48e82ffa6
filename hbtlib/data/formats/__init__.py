"""Reading files: SQuAD, BEIR folders, Arrow on disk."""
