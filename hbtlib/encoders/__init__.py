"""From text to vectors: our encoder, and the protocol that other encoders meet."""
