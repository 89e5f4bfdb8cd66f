// SPDX-License-Identifier: Apache-2.0
// Matrix-vector unit: a stream of vectors times a matrix of constants.
//
//   y[v][o] = sum over i of w[set][o][i] * x[v][i]
//
// Streams   s_axis: vector, i; SIMD codes a beat; tlast ends a frame of any number of vectors
//           s_axis_layer (SETS > 1): the frame's set of weights, one beat a frame
//           s_axis_weights (RAM_STYLE "ultra"): all words of the memory, once after reset
//           m_axis: vector, o; PE sums a beat
// Rate      PE x SIMD products a cycle: a vector takes MW / SIMD * MH / PE cycles. It is read in the
//           first MW / SIMD of them and kept for the others
// Latency   2 cycles, then those of mac_array, from the last codes to their sums
// Golden    mvu.py, which also makes the words of the memory: set, pass over the vector, beat
`default_nettype none
`include "checks.svh"

module mvu #(
    // Columns: codes of a vector
    parameter int unsigned MW = 16,
    // Rows: sums of a vector
    parameter int unsigned MH = 8,
    // Rows at work at once
    parameter int unsigned PE = 4,
    // Columns at work at once
    parameter int unsigned SIMD = 2,
    // Bits of an activation
    parameter int unsigned ACTIVATION_WIDTH = 4,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    // Bits of a weight, two's complement
    parameter int unsigned WEIGHT_WIDTH = 4,
    // Bits of a sum, two's complement
    parameter int unsigned ACCU_WIDTH = 12,
    // Sets of weights
    parameter int unsigned SETS = 1,
    // Products a multiplier: 1, 2 or 4
    parameter int unsigned PACK = 1,
    // Multipliers: "dsp" or "lut"
    parameter RES = "dsp",
    // Memory of the weights: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "block",
    // Weights in $readmemh's format, "ultra" excepted
    parameter INIT_FILE = "",
    // Bits that the sums of these weights need; 0: of any weights
    parameter int unsigned SUM_WIDTH = 0,
    // No weight is the least of its width; with PACK > 1 the memory then holds operands ready made
    parameter bit NARROW_WEIGHTS = 1'b0,
    // Derived, do not set
    localparam int unsigned IN_STREAM_WIDTH = (SIMD * ACTIVATION_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (PE * ACCU_WIDTH + 7) / 8 * 8,
    localparam int unsigned WORD_WIDTH = PE * SIMD * WEIGHT_WIDTH,
    localparam int unsigned WEIGHT_STREAM_WIDTH = (WORD_WIDTH + 7) / 8 * 8,
    localparam int unsigned LAYER_WIDTH = SETS > 1 ? $clog2(SETS) : 1,
    localparam int unsigned LAYER_STREAM_WIDTH = (LAYER_WIDTH + 7) / 8 * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    // verilator lint_off UNUSEDSIGNAL
    // Padding, and ports of no use with one set or to a memory that a bitstream fills
    input  wire logic [    IN_STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                           s_axis_tlast,
    input  wire logic                           s_axis_tvalid,
    output logic                                s_axis_tready,
    input  wire logic [ LAYER_STREAM_WIDTH-1:0] s_axis_layer_tdata,
    input  wire logic                           s_axis_layer_tvalid,
    output logic                                s_axis_layer_tready,
    input  wire logic [WEIGHT_STREAM_WIDTH-1:0] s_axis_weights_tdata,
    input  wire logic                           s_axis_weights_tvalid,
    // verilator lint_on UNUSEDSIGNAL
    output logic                                s_axis_weights_tready,
    output logic      [   OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready
);
  // Greatest sum of weights of this width, as a magnitude.
  localparam int unsigned WORST = SIGNED_ACTIVATIONS ?
      (MW << (WEIGHT_WIDTH + ACTIVATION_WIDTH - 2)) + 1 :
      (MW << (WEIGHT_WIDTH - 1)) * ((1 << ACTIVATION_WIDTH) - 1);
  localparam int unsigned NEEDED = SUM_WIDTH > 0 ? SUM_WIDTH : $clog2(WORST) + 1;

  localparam bit UP_TO_4 = WEIGHT_WIDTH <= 4 && ACTIVATION_WIDTH <= 4;
  localparam bit PACKS = RES == "dsp" && (PACK == 2 || (PACK == 4 && UP_TO_4));

  `SPEC_CHECK(mw, MW >= 1 && MW <= 65536, ("mvu: MW = %0d: 1..65536", MW))
  `SPEC_CHECK(mh, MH >= 1, ("mvu: MH = %0d: at least 1", MH))
  `SPEC_CHECK(pe, PE >= 1 && MH % (PE < 1 ? 1 : PE) == 0,
              ("mvu: PE = %0d: divides MH = %0d", PE, MH))
  `SPEC_CHECK(simd, SIMD >= 1 && MW % (SIMD < 1 ? 1 : SIMD) == 0,
              ("mvu: SIMD = %0d: divides MW = %0d", SIMD, MW))
  `SPEC_CHECK(
      activation_width, ACTIVATION_WIDTH >= (SIGNED_ACTIVATIONS ? 2 : 1) && ACTIVATION_WIDTH <= 8,
      ("mvu: ACTIVATION_WIDTH = %0d: %0d..8", ACTIVATION_WIDTH, SIGNED_ACTIVATIONS ? 2 : 1))
  `SPEC_CHECK(weight_width, WEIGHT_WIDTH >= 2 && WEIGHT_WIDTH <= 8,
              ("mvu: WEIGHT_WIDTH = %0d: 2..8", WEIGHT_WIDTH))
  `SPEC_CHECK(accu_width, ACCU_WIDTH >= NEEDED && ACCU_WIDTH <= 32,
              ("mvu: ACCU_WIDTH = %0d: at most 32, holds sums of %0d bits", ACCU_WIDTH, NEEDED))
  `SPEC_CHECK(sets, SETS >= 1 && SETS <= 256, ("mvu: SETS = %0d: 1..256", SETS))
  `SPEC_CHECK(res, RES == "dsp" || RES == "lut", ("mvu: RES = %0s: dsp or lut", RES))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("mvu: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))
  `SPEC_CHECK(pack, PACK == 1 || (PACKS && PE % (PACK < 1 ? 1 : PACK) == 0),
              ("mvu: PACK = %0d: 1, or with DSPs 2, or 4 up to 4 bits; divides PE = %0d", PACK, PE))

  localparam int unsigned BEATS = SIMD >= 1 && MW > SIMD ? MW / SIMD : 1;
  localparam int unsigned PASSES = PE >= 1 && MH > PE ? MH / PE : 1;
  localparam int unsigned DEPTH = (SETS >= 1 ? SETS : 1) * BEATS * PASSES;
  localparam int unsigned BEAT_WIDTH = BEATS > 1 ? $clog2(BEATS) : 1;
  localparam int unsigned PASS_WIDTH = PASSES > 1 ? $clog2(PASSES) : 1;
  localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;
  // A vector of more beats is kept in block RAM.
  localparam int unsigned LONGEST_IN_LUTS = 64;

  // Where the next step stands. fresh: its codes come from s_axis, else they are kept ones.
  logic last_beat, last_pass, fresh, known, loaded;
  logic en, take, step;

  // Everything moves together or stands still.
  assign en            = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = en && fresh && known && loaded;
  assign take          = s_axis_tready && s_axis_tvalid;
  assign step          = take || (en && !fresh);

  // verilator lint_off UNUSEDSIGNAL
  logic [BEAT_WIDTH-1:0] beat;  // only of use where a vector of several beats is kept
  // verilator lint_on UNUSEDSIGNAL

  if (BEATS > 1) begin : gen_beat
    // What is the last is known a step before, so that the step itself is all that a path ends in.
    logic [BEAT_WIDTH-1:0] beat_q;
    logic last_beat_q;
    assign beat      = beat_q;
    assign last_beat = last_beat_q;
    always_ff @(posedge clk) begin
      if (rst) begin
        beat_q      <= '0;
        last_beat_q <= 1'b0;
      end else if (step) begin
        beat_q      <= last_beat_q ? '0 : beat_q + BEAT_WIDTH'(1);
        last_beat_q <= beat_q == BEAT_WIDTH'(BEATS - 2);
      end
    end
  end else begin : gen_beat
    assign beat      = '0;
    assign last_beat = 1'b1;
  end

  // Is the step the last of its frame, but for the passes to come?
  logic final_vector;

  if (PASSES > 1) begin : gen_pass
    logic [PASS_WIDTH-1:0] pass_q;
    logic fresh_q, final_q, last_pass_q;
    assign last_pass    = last_pass_q;
    assign fresh        = fresh_q;
    assign final_vector = final_q;
    always_ff @(posedge clk) begin
      if (take) final_q <= s_axis_tlast;
      if (rst) begin
        pass_q      <= '0;
        last_pass_q <= 1'b0;
        fresh_q     <= 1'b1;
      end else if (step && last_beat) begin
        pass_q      <= last_pass_q ? '0 : pass_q + PASS_WIDTH'(1);
        last_pass_q <= pass_q == PASS_WIDTH'(PASSES - 2);
        fresh_q     <= last_pass_q;
      end
    end
  end else begin : gen_pass
    assign last_pass    = 1'b1;
    assign fresh        = 1'b1;
    assign final_vector = s_axis_tlast;
  end

  // Address of the step's weights, one cycle later.
  logic start_q;  // a vector's first step
  logic [ADDR_WIDTH-1:0] addr_q, base;

  always_ff @(posedge clk) begin
    if (rst) start_q <= 1'b1;
    else if (step) start_q <= last_beat && last_pass;
    if (step) addr_q <= start_q ? base : addr_q + ADDR_WIDTH'(1);
  end

  if (SETS > 1) begin : gen_layer
    logic frame_q;  // a frame's first step
    logic [LAYER_WIDTH-1:0] layer, layer_q;
    assign known               = !frame_q || s_axis_layer_tvalid;
    assign s_axis_layer_tready = frame_q && take;
    assign layer               = frame_q ? s_axis_layer_tdata[LAYER_WIDTH-1:0] : layer_q;
    always_comb begin
      base = '0;
      for (int unsigned n = 1; n < SETS; n++) begin
        if (layer == LAYER_WIDTH'(n)) base = ADDR_WIDTH'(n * BEATS * PASSES);
      end
    end
    always_ff @(posedge clk) begin
      if (s_axis_layer_tready) layer_q <= s_axis_layer_tdata[LAYER_WIDTH-1:0];
      if (rst) frame_q <= 1'b1;
      else if (step) frame_q <= last_beat && last_pass && final_vector;
    end
  end else begin : gen_layer
    assign known               = 1'b1;
    assign s_axis_layer_tready = 1'b0;
    assign base                = '0;
  end

  // The codes, in step with the weights that are read at addr_q.
  logic [SIMD*ACTIVATION_WIDTH-1:0] codes;

  if (PASSES > 1 && BEATS > 1) begin : gen_kept
    logic [BEAT_WIDTH-1:0] raddr_q;
    always_ff @(posedge clk) if (step) raddr_q <= beat;
    ram #(
        .DEPTH    (BEATS),
        .WIDTH    (SIMD * ACTIVATION_WIDTH),
        .RAM_STYLE(BEATS > LONGEST_IN_LUTS ? "block" : "distributed")
    ) u_vector (
        .clk,
        .wen  (take),
        .waddr(beat),
        .wdata(s_axis_tdata[SIMD*ACTIVATION_WIDTH-1:0]),
        .ren  (en),
        .raddr(raddr_q),
        .rdata(codes)
    );
  end else begin : gen_passing
    logic [SIMD*ACTIVATION_WIDTH-1:0] code_q, code_qq;
    always_ff @(posedge clk) begin
      if (take) code_q <= s_axis_tdata[SIMD*ACTIVATION_WIDTH-1:0];
      if (en) code_qq <= code_q;
    end
    assign codes = code_qq;
  end

  logic [WORD_WIDTH-1:0] weights;

  if (RAM_STYLE == "ultra") begin : gen_ram
    logic [ADDR_WIDTH-1:0] waddr_q;
    logic loaded_q, wen;
    assign loaded                = loaded_q;
    assign s_axis_weights_tready = !loaded_q;
    assign wen                   = s_axis_weights_tvalid && !loaded_q;
    always_ff @(posedge clk) begin
      if (rst) waddr_q <= '0;
      else if (wen) waddr_q <= waddr_q + ADDR_WIDTH'(1);
      if (rst) loaded_q <= 1'b0;
      else if (wen && waddr_q == ADDR_WIDTH'(DEPTH - 1)) loaded_q <= 1'b1;
    end
    ram #(
        .DEPTH    (DEPTH),
        .WIDTH    (WORD_WIDTH),
        .RAM_STYLE(RAM_STYLE)
    ) u_memory (
        .clk,
        .wen,
        .waddr(waddr_q),
        .wdata(s_axis_weights_tdata[WORD_WIDTH-1:0]),
        .ren  (en),
        .raddr(addr_q),
        .rdata(weights)
    );
  end else begin : gen_rom
    assign loaded                = 1'b1;
    assign s_axis_weights_tready = 1'b0;
    rom #(
        .DEPTH    (DEPTH),
        .WIDTH    (WORD_WIDTH),
        .INIT_FILE(INIT_FILE),
        .RAM_STYLE(RAM_STYLE)
    ) u_memory (
        .clk,
        .en,
        .addr(addr_q),
        .data(weights)
    );
  end

  // What goes along: of the address, then of the weights and codes.
  logic first_q, valid1_q, valid2_q, first1_q, first2_q, last1_q, last2_q, tag1_q, tag2_q;

  always_ff @(posedge clk) begin
    if (en) begin
      first1_q <= first_q;
      last1_q  <= last_beat;
      tag1_q   <= last_pass && final_vector;
      first2_q <= first1_q;
      last2_q  <= last1_q;
      tag2_q   <= tag1_q;
    end
    if (rst) first_q <= 1'b1;
    else if (step) first_q <= last_beat;
    if (rst) {valid1_q, valid2_q} <= '0;
    else if (en) {valid1_q, valid2_q} <= {step, valid1_q};
  end

  logic [PE*ACCU_WIDTH-1:0] sums;
  assign m_axis_tdata = OUT_STREAM_WIDTH'(sums);

  mac_array #(
      .PE                (PE),
      .SIMD              (SIMD),
      .ACTIVATION_WIDTH  (ACTIVATION_WIDTH),
      .SIGNED_ACTIVATIONS(SIGNED_ACTIVATIONS),
      .WEIGHT_WIDTH      (WEIGHT_WIDTH),
      .ACCU_WIDTH        (ACCU_WIDTH),
      .PACK              (PACK),
      .RES               (RES),
      .ENCODED_WEIGHTS   (NARROW_WEIGHTS && PACK > 1)
  ) u_array (
      .clk,
      .rst,
      .en,
      .i_valid(valid2_q),
      .i_first(first2_q),
      .i_last (last2_q),
      .i_tag  (tag2_q),
      .i_a    (codes),
      .i_w    (weights),
      .o_valid(m_axis_tvalid),
      .o_tag  (m_axis_tlast),
      .o_acc  (sums)
  );

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
