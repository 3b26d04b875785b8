"""What the trainers of all families share: the validated flow, checkpoints, watching, ranks."""
