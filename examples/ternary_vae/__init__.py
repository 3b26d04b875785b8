"""TernaryVAE: models, losses, controllers and trainers of every generation."""
