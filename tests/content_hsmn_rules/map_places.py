"""Facts that no file shows: where a run, a conversion or an upgrade keeps to them, or why none."""

from __future__ import annotations

from .map_kinds import Held, Reason, Step

_T = "tests/examples/hsmn/"
_C, _W = "tests/content_hsmn/", "tests/content_hsmn_weights/"
_FACTS = "examples.hsmn.flow_facts"
_UNREAD = Reason("no code of any version reads it from a file: kept below legacy_extra (HS605)")

HELD: dict[str, tuple[Held, ...]] = {
    "HD-IN-01": (
        Held(
            f"{_FACTS}:hold_material",
            f"{_T}test_flow_facts.py::test_no_bundles_for_a_model_of_bundles",
        ),
        Held("examples.hsmn.model:Hsmn", f"{_T}test_model.py::test_what_is_no_bundle_is_refused"),
    ),
    "HD-IN-02": (
        Held(f"{_FACTS}:hold_material", f"{_T}test_flow_facts.py::test_no_ids_for_a_model_of_ids"),
        Held("examples.hsmn.model:Hsmn", f"{_T}test_model.py::test_what_are_no_ids_is_refused"),
    ),
    "HD-LBL-01": (
        Held(f"{_FACTS}:hold_material", f"{_T}test_flow_facts.py::test_labels_that_are_none"),
    ),
    "HD-LBL-03": (
        Held(f"{_FACTS}:hold_material", f"{_T}test_flow_facts.py::test_labels_that_are_none"),
    ),
    "HD-OUT-01": (
        Held(f"{_FACTS}:hold_material", f"{_T}test_flow_facts.py::test_logits_without_a_position"),
    ),
    "HD-OUT-02": (
        Held(f"{_FACTS}:hold_material", f"{_T}test_flow_facts.py::test_labels_that_are_none"),
    ),
    "HD-ADP-02": (
        Held(
            "examples.common.flow:weigh",
            f"{_T}test_train.py::test_weights_of_another_width_do_not_start",
        ),
    ),
    "HD-ADP-04": (
        Held(
            f"{_FACTS}:hold_source", f"{_T}test_flow_checkpoints.py::test_keys_that_no_seed_draws"
        ),
        Held(
            "schemas.hsmn.layouts:expect",
            f"{_W}test_layouts.py::test_a_config_expects_what_torch_builds",
        ),
    ),
    "HD-DAT-02": (
        Held("examples.hsmn.flow_data:material", f"{_T}test_train.py::test_what_does_not_start"),
        Held(
            "examples.hsmn.hd:HdCorpus",
            f"{_T}test_hd_corpus.py::test_too_few_sequences_are_an_error_and_no_endless_loop",
        ),
    ),
    "HD-DAT-03": (
        Held(
            "examples.hsmn.hd:HdCorpus",
            f"{_T}test_hd_corpus.py::test_too_few_sequences_are_an_error_and_no_endless_loop",
        ),
    ),
    "HD-DAT-04": (
        Held(
            "examples.hsmn.hd:HdCorpus",
            f"{_T}test_hd_corpus.py::test_sequences_are_skipped_counted_or_refused",
        ),
    ),
    "HD-DAT-05": (
        Held(
            "examples.hsmn.flow_data:material",
            f"{_T}test_flow_facts.py::test_short_sequences_are_skipped_and_counted",
        ),
    ),
    "MODE-01": (
        Held(
            "examples.hsmn.model:Hsmn",
            f"{_T}test_model.py::test_with_ids_no_position_reads_a_later_one",
        ),
    ),
    "VOC-03": (
        Held(
            "examples.hsmn.tokenizer:AdaptiveQWT",
            f"{_T}test_tokenizer.py::test_learning_never_exceeds_the_cap",
        ),
    ),
    "VOC-05": (
        Held(
            "examples.hsmn.tokenizer:AdaptiveQWT",
            f"{_T}test_tokenizer.py::test_the_capacity_is_what_target_and_cap_leave",
        ),
    ),
    "VOC-06": (
        Held(
            f"{_FACTS}:hold_vocabulary",
            f"{_T}test_flow_facts.py::test_more_words_than_the_limit_has_room_for",
        ),
    ),
    "VOC-09": (
        Held(
            f"{_FACTS}:hold_vocabulary",
            f"{_T}test_flow_facts.py::test_ids_beyond_the_rows_of_the_model",
        ),
    ),
    "VOC-10": (
        Held(f"{_FACTS}:hold_vocabulary", f"{_T}test_flow_facts.py::test_rows_that_no_id_reaches"),
    ),
    "VOC-11": (
        Held(
            f"{_FACTS}:hold_vocabulary",
            f"{_T}test_flow_facts.py::test_a_text_that_is_too_small_for_its_goal",
        ),
    ),
    "VOC-19": (
        Held(
            "examples.hsmn.tokenizer:Codebook",
            f"{_T}test_tokenizer.py::test_a_codebook_that_contradicts_itself_is_refused",
        ),
        Held(
            f"{_FACTS}:hold_vocabulary",
            f"{_T}test_flow_facts.py::test_a_codebook_whose_bytes_begin_elsewhere",
        ),
    ),
    "VOC-20": (
        Held(
            "examples.hsmn.tokenizer:Codebook",
            f"{_T}test_tokenizer.py::test_a_codebook_that_contradicts_itself_is_refused",
        ),
        Held(
            f"{_FACTS}:hold_vocabulary",
            f"{_T}test_flow_facts.py::test_more_words_than_the_limit_has_room_for",
        ),
    ),
    "DIM-19": (
        Held(
            "schemas.hsmn.rules.estimators:head_count",
            "tests/content_hsmn_rules/test_exact.py"
            "::test_is_the_number_of_parameters_whatever_comes_out",
        ),
    ),
    "BUD-01": (
        Held(
            "schemas.hsmn.rules.estimators:affordable",
            "tests/content_hsmn_rules/test_estimators.py::test_the_old_formula",
        ),
    ),
    "TRN-04": (
        Held(
            "examples.hsmn.showing:Teller",
            f"{_T}test_train.py::test_the_live_view_shows_losses_and_what_trains",
        ),
    ),
    "TRN-05": (
        Held(
            "examples.hsmn.stepping:train_epoch",
            f"{_T}test_train.py::test_a_loss_that_is_no_number_ends_the_run",
        ),
    ),
    "SRCH-03": (
        Held(
            "examples.hsmn.search.trials:problems",
            f"{_T}test_search.py::test_a_search_starts_nothing_that_breaks_a_limit",
        ),
    ),
    "SRCH-04": (
        Held(
            "examples.hsmn.search.trials:base_of",
            f"{_T}test_flow_facts.py::test_a_trial_keeps_what_its_sweep_says",
        ),
    ),
    "SRCH-09": (
        Held(
            "examples.hsmn.search.choosing:sampler",
            f"{_T}test_search.py::test_a_search_of_one_process_repeats",
        ),
    ),
    "QSG-01": (
        Held(
            "examples.hsmn.generation.qsg:encode_context",
            f"{_T}test_generation.py::test_a_context_is_ids_or_bundles_and_nothing_else",
        ),
    ),
    "QSG-02": (
        Held(
            "examples.hsmn.generation.qsg:generate",
            f"{_T}test_generation.py::test_ids_are_continued_and_bundles_answered",
        ),
    ),
    "QSG-03": (
        Held(
            "examples.hsmn.model:Hsmn",
            f"{_T}test_generation.py::test_the_vectors_of_ids_are_the_table_or_the_dense_head",
        ),
    ),
    "QSG-04": (
        Held(
            "examples.hsmn.generation.sampling:kept",
            f"{_T}test_generation.py::test_top_p_is_applied",
        ),
    ),
    "CKP-01": (
        Held(
            f"{_FACTS}:kept", f"{_T}test_flow_checkpoints.py::test_a_checkpoint_of_another_version"
        ),
    ),
    "CKP-02": (
        Held(
            f"{_FACTS}:kept", f"{_T}test_flow_checkpoints.py::test_a_checkpoint_without_a_codebook"
        ),
    ),
    "CKP-03": (
        Held(
            f"{_FACTS}:hold_source",
            f"{_T}test_flow_checkpoints.py::test_bundles_that_are_encoded_otherwise",
        ),
        Held(
            f"{_FACTS}:hold_source",
            f"{_T}test_flow_checkpoints.py::test_base_vectors_of_the_other_generator",
        ),
    ),
    "CKP-04": (
        Held(
            "schemas.hsmn.layouts:expect",
            f"{_W}test_layouts.py::test_the_way_from_one_to_another",
        ),
        Held(
            "examples.hsmn.flow:load",
            f"{_T}test_flow_checkpoints.py::test_tensors_that_have_no_place",
        ),
    ),
    "CKP-10": (
        Held(
            f"{_FACTS}:hold_source",
            f"{_T}test_flow_checkpoints.py::test_bundles_that_are_encoded_otherwise",
        ),
    ),
}

STEPS: dict[str, tuple[Step, ...]] = {
    "HD-LBL-02": (
        Step("0003", f"{_C}test_steps.py::test_labels_become_sequences_and_the_corpus_is_told_of"),
    ),
    "CKP-05": (
        Step("vocabulary", f"{_W}test_vocabulary.py::test_a_base_that_every_tokenizer_has"),
        Step(
            "vocabulary", f"{_W}test_vocabulary.py::test_a_cut_keeps_a_prefix_and_the_rest_beside"
        ),
    ),
    "CKP-06": (
        Step("larger_bundles", f"{_W}test_bundles.py::test_padded_spectra_compute_the_same"),
        Step("smaller_bundles", f"{_W}test_bundles.py::test_what_a_cut_loses_is_measured"),
    ),
    "CKP-09": (Step("factored_head", f"{_W}test_factors.py::test_too_few_ranks_are_refused"),),
    "CKP-07": (
        Step("clean_up", f"{_W}test_clean_up.py::test_too_little_room_is_refused"),
        Step(
            "adapter",
            f"{_W}test_adapters.py::test_a_fit_that_is_no_better_than_the_mean_is_refused",
        ),
    ),
    "MIG-01": (
        Step("0003", f"{_C}test_steps.py::test_the_budget_gives_the_vocabulary_of_record"),
        Step("0003", f"{_C}test_steps.py::test_only_a_number_that_nobody_chose_is_cut"),
        Step("0003", f"{_C}test_steps.py::test_an_hd_dimension_is_a_multiple_of_the_width"),
    ),
    "MIG-02": (Step("0006", f"{_C}test_corpus.py::test_two_lengths_that_differ_stop_the_upgrade"),),
    "MIG-03": (Step("0009", f"{_C}test_corpus.py::test_the_golden_trial_of_v6"),),
    "MIG-04": (Step("0006", f"{_C}test_steps.py::test_a_scan_has_two_paths_at_most"),),
    "MIG-05": (
        Step("0002", f"{_C}test_corpus.py::test_no_key_of_nobody_is_lost_or_changed"),
        Step("0002", f"{_C}test_golden.py::test_no_comment_is_lost"),
    ),
    "MIG-06": (Step("0009", f"{_C}test_corpus.py::test_a_second_run_changes_nothing"),),
    "FMT-10": (Step("0002", f"{_C}test_golden.py::test_the_golden_trial_of_v2"),),
}

REASONS: dict[str, Reason] = {
    "DIM-18": Reason(
        "a default: test_exact counts with each of its three links, HS302 holds what is said"
    ),
    "ENUM-04": _UNREAD,
    "ENUM-06": _UNREAD,
    "ENUM-07": _UNREAD,
    "CON-14": Reason("no model here has a block of continuous thought, and no key asks for one"),
    "SRCH-08": Reason("a negation: test_map holds every trial value that no list has to it"),
    "UI-04": Reason("two constants that the page posts; `true` is what both mean by silence"),
    "FMT-08": Reason("no file of matrices is known, nor the lists that would name their rows"),
    "FMT-11": Reason("constants of a module that is in no file: no config shows them"),
    "QSG-06": Reason("here the entanglement reads bond_dim and the retrieval hopfield_beta"),
    "CKP-08": Reason("the trainer's weights and its state to resume from are two files"),
}
