"""QAHPO on Optuna: our space and limits; its samplers, pruners and storage."""
