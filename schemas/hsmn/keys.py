"""The keys of the flat files, in the order in which the old code wrote them."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


SWEEP = _words("""
    sweep_id hidden_dim num_reasoning_blocks num_moe_experts sequence_length batch_size
    learning_rate optimizer param_budget mamba_state_dim mamba_conv_dim mamba_expand
    wlam_num_heads wlam_kernel_size wlam_num_landmarks moe_top_k moe_capacity_factor
    ff_expansion tt_rank_middle superposition_dim hamiltonian_hidden_dim dropout_rate
    weight_decay hf_dataset_name curriculum_id curriculum_datasets use_quantum_embedding
    quantum_embedding_num_qubits use_floquet_position floquet_num_layers
    use_quantum_feature_maps quantum_feature_rotation_depth use_unitary_expert
    neumann_cayley_terms use_quantum_norm use_superposition_bpe sbpe_max_superposition
    use_grover_qsg qsg_quality_threshold use_quantum_lm_head quantum_lm_head_layers
    use_unitary_residual unitary_residual_init_angle use_quantum_state_bus
    use_quantum_natural_gradient qng_damping use_tensor_galore galore_rank
    barren_plateau_monitor barren_plateau_threshold use_unitary_mamba_gates
    neumann_series_terms use_sprk_timecrystal sprk_order use_qng_geodesic qng_geodesic_order
    entanglement_regularization hamiltonian_basis_size hamiltonian_enable_superposition
    hamiltonian_integrator hamiltonian_enable_nqs hamiltonian_nqs_hidden_dim qsg_bond_dim
    qsg_grover_iterations qsg_jacobi_iterations qsg_hopfield_beta use_rls_sysid
    rls_forgetting_factor use_hybrid_pid pid_learning_rate use_tensor_network_kalman
    tnkf_max_rank use_qhpm_crystallization qhpm_crystallization_threshold
    qhpm_max_directions qhpm_crystallization_decay use_quantum_measurement_dropout
    qmd_drop_rate qmd_softening_temp use_q_ssm_gating q_ssm_vqc_layers q_ssm_num_qubits
    use_intrinsic_plasticity plasticity_learning_rate use_quantum_coherence_bus
    qcb_num_nodes qcb_fidelity_threshold use_hyperdimensional_embedding
    use_quantum_tokenizer
""")
"""What the server wrote when a search was started; the vocabulary follows `sweep_id`."""

TRIAL_V2 = _words("""
    _trial_id vocab_size warmup_steps embedding_dim teleport_entanglement_dim
    teleport_fidelity_threshold entropy_reg_weight spectral_reg_weight target_entropy
    sympflow_mass sympflow_friction sympflow_step_size majorana_floquet_period
    born_rule_temperature fidelity_loss_weight mpqr_num_paths mpqr_grover_iterations
    twa_num_scales td_moe_tucker_rank sgkf_dt qao_initial_temp qao_final_temp
    geodesic_momentum alphaqubit_num_layers vqem_num_params crystallization_threshold
    qhpm_crystallization_rate neuromorphic_tau hamiltonian_num_stages rng_num_samples
    spini_friction qcot_reasoning_steps coconut_num_paths coconut_collapse_threshold
    coconut_crystallize_threshold unified_bus_mps_bond_dim unified_bus_coherence_threshold
    vqc_min_layers vqc_max_layers hopfield_base_beta hopfield_beta_min hopfield_beta_max
    dtc_floquet_period sympflow_geodesic_weight qmamba_superposition_states
    qmamba_entanglement_depth qmamba_entanglement_strength qasa_vqc_layers
    qasa_entanglement_strength qmoe_vqc_layers qmoe_measurement_temp use_hd_streaming
    hd_reservoir_size hd_dim vocab_sample_size use_tt_ffn tt_ffn_ranks use_latent_kv
    latent_kv_dim quls_label_smoothing quls_fidelity_weight quls_fidelity_temperature
    quls_born_rule_weight quls_coherence_weight quls_symplectic_weight
    quls_vqc_variance_boost quls_barren_plateau_reduction quls_weight_ema_decay
    qalrc_annealing_power qalrc_tunneling_probability qalrc_entropy_smoothing
    saqc_tunneling_dataset_ratio saqc_min_stage_duration saqc_update_interval
    saqc_entropy_retreat_threshold saqc_fidelity_advance_threshold
    saqc_coherence_gate_threshold hamiltonian_magnus_level hamiltonian_pade_scaling
    barren_plateau_recovery_lr_scale galore_update_proj_gap galore_scale context_window
    trial_id budget
""")
"""What a trial of v2 and v2b adds."""

TRIAL_V4 = _words("""
    _trial_id warmup_steps embedding_dim teleport_entanglement_dim
    teleport_fidelity_threshold entropy_reg_weight spectral_reg_weight target_entropy
    sympflow_mass sympflow_friction sympflow_step_size majorana_floquet_period
    born_rule_temperature fidelity_loss_weight mpqr_num_paths mpqr_grover_iterations
    twa_num_scales td_moe_tucker_rank neural_kalman_hidden_dim neural_kalman_process_noise
    neural_kalman_measurement_noise sgkf_dt qao_initial_temp qao_final_temp
    geodesic_momentum alphaqubit_num_layers vqem_num_params crystallization_threshold
    qhpm_crystallization_rate neuromorphic_tau hamiltonian_num_stages rng_num_samples
    spini_friction qcot_reasoning_steps coconut_num_paths coconut_collapse_threshold
    coconut_crystallize_threshold unified_bus_mps_bond_dim unified_bus_coherence_threshold
    vqc_min_layers vqc_max_layers hopfield_base_beta hopfield_beta_min hopfield_beta_max
    dtc_floquet_period sympflow_geodesic_weight qasa_vqc_layers qasa_entanglement_strength
    qmoe_vqc_layers qmoe_measurement_temp hd_reservoir_size hd_dim vocab_sample_size
    hd_dim_embedding hd_dim_spatial hd_dim_timecrystal hd_dim_moe hd_sample_length
    tt_ffn_ranks latent_kv_dim quls_label_smoothing quls_fidelity_weight
    quls_fidelity_temperature quls_born_rule_weight quls_coherence_weight
    quls_symplectic_weight quls_vqc_variance_boost quls_barren_plateau_reduction
    quls_weight_ema_decay qalrc_annealing_power qalrc_tunneling_probability
    qalrc_entropy_smoothing saqc_tunneling_dataset_ratio saqc_min_stage_duration
    saqc_update_interval saqc_entropy_retreat_threshold saqc_fidelity_advance_threshold
    saqc_coherence_gate_threshold hamiltonian_magnus_level hamiltonian_pade_scaling
    barren_plateau_recovery_lr_scale barren_plateau_recovery_window
    barren_plateau_hysteresis gradient_dampening_threshold min_gradient_dampening
    galore_update_proj_gap galore_scale chunk_size chunk_stride local_attention_window
    local_attention_window_min local_attention_window_max local_attention_sigmoid_temp
    local_attention_sparsity_ratio flash_linear_chunk_size flash_linear_train_chunk_size
    flash_linear_hybrid_window flash_linear_hybrid_alpha flash_linear_augment_rank
    flash_linear_gate_init_bias state_bus_dim state_bus_slots state_bus_max_slots
    state_bus_num_types state_bus_bond_dim memory_slots memory_slot_dim
    memory_surprise_threshold memory_product_k memory_num_heads memory_mps_bond_dim
    cache_tile_size prefetch_distance ssd_chunk_size superposition_micro_batch_size
    vqc_qubits vqc_feature_rotation_depth dtc_coupling_j dtc_disorder_w dtc_num_cycles
    qsg_coherence_range qsg_amplification_strength qhpm_holographic_dim qhpm_mps_bond_dim
    qhpm_hopfield_beta qhpm_max_crystallized_directions hd_optimizer_compression_ratio
    hd_gradient_rank hd_gradient_bandwidth hd_kv_compression_ratio
    hd_control_fingerprint_dim hd_stagnation_threshold hd_kalman_state_compression
    hd_projection_freeze_epochs hqe_ctqw_steps hd_active_vocab_size
    unified_bus_entanglement_init unified_bus_propagation_rate qasa_feature_rotation_depth
    qhd_num_paths qhd_entanglement_depth qhd_entanglement_strength qhd_entanglement_topology
    qhd_gumbel_temperature hd_floquet_base_freq hd_hierarchical_levels
    hd_hierarchical_pooling_ratio hd_hierarchical_use_ctqw
    hd_hierarchical_use_cross_attention hd_hierarchical_ctqw_time
    hd_hierarchical_ema_base_rate hd_cross_attn_qfm_depth hd_use_quantum_cross_attention
    hierarchical_memory_slots uncertainty_pool_threshold streaming_max_chunk_size
    online_ctqw_rank online_ctqw_ema_decay ctqw_rff_dim hd_position_decay_rate
    context_window vocab_size trial_id budget
""")
"""What a trial of v3 to v6 adds."""

REQUEST = _words("""
    stage max_trials auto_stop_on_convergence epochs_per_trial search_strategy use_optuna
    hyperband_eta pbt_population_size qahpo_population_size qahpo_initial_temperature
    qahpo_final_temperature qahpo_tunneling_probability qahpo_mutation_strength
    qahpo_crossover_rate qahpo_evolution_interval qahpo_fanova_importance_boost
    qahpo_enable_meta_learning multi_fidelity_scheduler importance_analyzer
    enable_zero_cost_proxy enable_early_stopping_predictor enable_deep_kernel_gp
    enable_acquisition_portfolio enable_regret_tracking enable_darts lr_min lr_max
    batch_sizes optimizers position_embedding use_hypertokens hypertoken_spread_factor
    use_majorana_position use_born_rule_loss use_quantum_fidelity_loss use_qasa_attention
    use_mpqr_reasoning use_topological_wavelet use_td_moe use_symplectic_gnn_kalman
    use_adiabatic_optimizer use_geodesic_optimizer use_alphaqubit_decoder use_vqem
    use_gradient_teleportation use_quantum_crystallization use_neuromorphic_memory
    use_multi_stage_hamiltonian use_random_natural_gradient use_spini_integrator
    use_qcot_reasoning use_waveform_attention tune_embedding_dim tune_reasoning_blocks
    tune_moe_experts tune_mamba_params tune_wlam_params tune_ff_expansion tune_tt_rank
    tune_regularization tune_quantum_params tune_training_loop tune_hamiltonian tune_qsg
    tune_quantum_control tune_qhpm_crystallization tune_quantum_phases_v5
""")
"""What only a request says."""

TRAINING = _words("""
    epochs loss_function label_smoothing feature_flags created_at best_loss
    best_composite_score
""")
"""What only the training config beside a search says."""

OTHERS = (
    "block_pattern",
    "max_grad_norm",
    "qwt_byte_offset",
    "max_vocab_size",
    "search_space",
)
"""What the old code read where a file said it, though no file of the record does."""
