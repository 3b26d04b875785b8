"""HSMN: tokenizer, holographic corpus, model and generation."""
