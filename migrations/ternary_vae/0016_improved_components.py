"""Adds improved encoders and decoder, and the grokking branch, all off unless asked for."""

from cfgmig.migration import Add, Convert, Values

revision = "5.12.4"
revises = "5.12.3"

config = [
    Add("device.empty_cache_freq", None, implicit=True),
    Add("model.encoder_type", "frozen", implicit=True),
    Add("model.decoder_type", "frozen", implicit=True),
    Add("model.encoder_dropout", 0.1, implicit=True),
    Add("model.decoder_dropout", 0.1, implicit=True),
    Add("model.logvar_min", -10.0, implicit=True),
    Add("model.logvar_max", 2.0, implicit=True),
    Add("training.scheduler.phases", [], implicit=True),
    Add("training.grokking_detection", {"enabled": False}, implicit=True),
    Add("logging.enhanced_metrics", {"enabled": False}, implicit=True),
    Add("logging.detailed_logging", {}, implicit=True),
    Add("checkpoints.checkpoint_phases", [], implicit=True),
    Add("memory.max_memory_growth", None, implicit=True),
    Add("early_stopping", {}, implicit=True),
    Add("analysis", {}, implicit=True),
    Add("version.framework", None, implicit=True),
    Add("version.description", None, implicit=True),
    Convert("version.model", Values({"5.12.3": "5.12.4"}, others="keep"), optional=True),
]
weights = []
