// SPDX-License-Identifier: Apache-2.0
// Vector-vector unit: depthwise convolution of the windows that a sliding window unit gives.
//
//   y[p][c] = sum over t of w[set][c][t] * x[p][c][t]
//
// Streams   s_axis: pixel, channel / PE, tap / SIMD; a beat holds SIMD taps of PE channels, of
//           which channels run fastest; tlast ends a frame, a whole number of pixels
//           s_axis_layer (SETS > 1): the frame's set of weights, one beat a frame
//           s_axis_weights (RAM_STYLE "ultra"): all words of the memory, once after reset
//           m_axis: pixel, channel; PE sums a beat
// Rate      one beat of s_axis a cycle
// Latency   3 cycles from the last taps of PE channels to their sums
// Golden    vvu.py, which also packs the words of the memory
`default_nettype none
`include "checks.svh"

module vvu #(
    parameter int unsigned NumChannels = 16,
    // Taps of a window: 9 for 3 x 3
    parameter int unsigned TAPS = 9,
    // Channels a beat
    parameter int unsigned PE = 1,
    // Taps a beat
    parameter int unsigned SIMD = 1,
    // Bits of an activation
    parameter int unsigned ACTIVATION_WIDTH = 4,
    parameter bit SIGNED_ACTIVATIONS = 1'b0,
    // Bits of a weight, two's complement
    parameter int unsigned WEIGHT_WIDTH = 4,
    // Bits of a sum, two's complement; they must hold the sums of every channel
    parameter int unsigned ACCU_WIDTH = 12,
    // Sets of weights
    parameter int unsigned SETS = 1,
    // Memory of the weights: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "block",
    // Products a multiplier: 1 or 2
    parameter int unsigned PACK = 1,
    // Multipliers: "dsp" or "lut"
    parameter RES = "dsp",
    // Weights in $readmemh's format, "ultra" excepted
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LANES = PE >= 1 && SIMD >= 1 ? PE * SIMD : 1,
    localparam int unsigned FACTORS = PACK == 2 ? LANES / 2 * (2 * WEIGHT_WIDTH + 1) :
                                                  LANES * WEIGHT_WIDTH,
    // A word of the memory also marks a channel's last taps, which saves the counter of taps.
    localparam int unsigned WORD_WIDTH = FACTORS + (TAPS > SIMD ? 1 : 0),
    localparam int unsigned IN_STREAM_WIDTH = (LANES * ACTIVATION_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (PE * ACCU_WIDTH + 7) / 8 * 8,
    localparam int unsigned WEIGHT_STREAM_WIDTH = (WORD_WIDTH + 7) / 8 * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    // verilator lint_off UNUSEDSIGNAL
    // Padding, and ports of no use with one set or to a memory that a bitstream fills
    input  wire logic [    IN_STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                           s_axis_tlast,
    input  wire logic                           s_axis_tvalid,
    output logic                                s_axis_tready,
    input  wire logic [                    7:0] s_axis_layer_tdata,
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
  // Two channels in one product: fields of SHIFT bits, the third one of ACCU_WIDTH.
  localparam int unsigned SHIFT = ACCU_WIDTH + 1;
  localparam bit ACTIVATION_WIDER = ACTIVATION_WIDTH > WEIGHT_WIDTH;
  localparam int unsigned NARROW = SHIFT + 1 + (ACTIVATION_WIDER ? WEIGHT_WIDTH : ACTIVATION_WIDTH);
  localparam int unsigned WIDE = SHIFT + 1 + (ACTIVATION_WIDER ? ACTIVATION_WIDTH : WEIGHT_WIDTH);

  `SPEC_CHECK(channels, NumChannels >= 1, ("vvu: NumChannels = %0d: at least 1", NumChannels))
  `SPEC_CHECK(taps, TAPS >= 1, ("vvu: TAPS = %0d: at least 1", TAPS))
  `SPEC_CHECK(pe, PE >= 1 && (PE < 1 || NumChannels % PE == 0),
              ("vvu: PE = %0d: divides NumChannels = %0d", PE, NumChannels))
  `SPEC_CHECK(simd, SIMD >= 1 && (SIMD < 1 || TAPS % SIMD == 0),
              ("vvu: SIMD = %0d: divides TAPS = %0d", SIMD, TAPS))
  `SPEC_CHECK(
      activation_width, ACTIVATION_WIDTH >= (SIGNED_ACTIVATIONS ? 2 : 1) && ACTIVATION_WIDTH <= 16,
      ("vvu: ACTIVATION_WIDTH = %0d: %0d..16", ACTIVATION_WIDTH, SIGNED_ACTIVATIONS ? 2 : 1))
  `SPEC_CHECK(weight_width, WEIGHT_WIDTH >= 2 && WEIGHT_WIDTH <= 16,
              ("vvu: WEIGHT_WIDTH = %0d: 2..16", WEIGHT_WIDTH))
  `SPEC_CHECK(
      accu_width, ACCU_WIDTH >= WEIGHT_WIDTH && ACCU_WIDTH >= ACTIVATION_WIDTH && ACCU_WIDTH <= 32,
      ("vvu: ACCU_WIDTH = %0d: from %0d and %0d to 32", ACCU_WIDTH, WEIGHT_WIDTH, ACTIVATION_WIDTH))
  `SPEC_CHECK(sets, SETS >= 1 && SETS <= 256, ("vvu: SETS = %0d: 1..256", SETS))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("vvu: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))
  `SPEC_CHECK(res, RES == "dsp" || RES == "lut", ("vvu: RES = %0s: dsp or lut", RES))
  `SPEC_CHECK(
      pack, PACK == 1 || (PACK == 2 && PE % 2 == 0 && RES == "dsp" && NARROW <= 18 && WIDE <= 25),
      ("vvu: PACK = %0d: 1; 2 if PE = %0d is even, %0d x %0d bits fit", PACK, PE, WIDE, NARROW))

  localparam int unsigned STEPS = SIMD >= 1 ? TAPS / SIMD : 1;
  localparam int unsigned WORDS = PE >= 1 ? NumChannels / PE * STEPS : 1;  // of a set
  localparam int unsigned OFFSET_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int unsigned LAYER_WIDTH = SETS > 1 ? $clog2(SETS) : 0;
  localparam int unsigned DEPTH = WORDS > 1 ? WORDS << LAYER_WIDTH : 1 << LAYER_WIDTH;
  localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;

  logic en, loaded, known;
  // verilator lint_off UNUSEDSIGNAL
  logic take;  // of no use with one word
  // verilator lint_on UNUSEDSIGNAL

  // Everything moves together or stands still.
  assign en = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = en && loaded && known;
  assign take = s_axis_tvalid && s_axis_tready;

  // Addresses: sets lie next to each other, which wastes words only where SETS is no power of two.
  logic [  ADDR_WIDTH-1:0] addr;
  logic [OFFSET_WIDTH-1:0] offset;

  if (WORDS > 1) begin : gen_offset
    logic [OFFSET_WIDTH-1:0] offset_q;
    always_ff @(posedge clk) begin
      if (rst || (take && offset_q == OFFSET_WIDTH'(WORDS - 1))) offset_q <= '0;
      else if (take) offset_q <= offset_q + OFFSET_WIDTH'(1);
    end
    assign offset = offset_q;
  end else begin : gen_offset
    assign offset = '0;
  end

  if (SETS > 1) begin : gen_layer
    logic [LAYER_WIDTH-1:0] layer_q;
    logic                   known_q;
    // The next frame's set may come with the last beat of this one.
    assign s_axis_layer_tready = !known_q || (take && s_axis_tlast);
    always_ff @(posedge clk) begin
      if (s_axis_layer_tready) layer_q <= s_axis_layer_tdata[LAYER_WIDTH-1:0];
      if (rst) known_q <= 1'b0;
      else if (s_axis_layer_tready) known_q <= s_axis_layer_tvalid;
    end
    assign known = known_q;
    assign addr  = WORDS > 1 ? ADDR_WIDTH'({offset, layer_q}) : ADDR_WIDTH'(layer_q);
  end else begin : gen_layer
    assign s_axis_layer_tready = 1'b0;
    assign known = 1'b1;
    assign addr = offset;
  end

  logic [WORD_WIDTH-1:0] word;

  if (RAM_STYLE == "ultra") begin : gen_ram
    logic [ADDR_WIDTH-1:0] waddr_q;
    logic loaded_q, wen;
    assign s_axis_weights_tready = !loaded_q;
    assign wen = s_axis_weights_tvalid && !loaded_q;
    always_ff @(posedge clk) begin
      if (rst) waddr_q <= '0;
      else if (wen) waddr_q <= waddr_q + ADDR_WIDTH'(1);
      if (rst) loaded_q <= 1'b0;
      else if (wen && waddr_q == ADDR_WIDTH'(DEPTH - 1)) loaded_q <= 1'b1;
    end
    assign loaded = loaded_q;
    ram #(
        .DEPTH(DEPTH),
        .WIDTH(WORD_WIDTH),
        .RAM_STYLE(RAM_STYLE)
    ) u_ram (
        .clk,
        .wen,
        .waddr(waddr_q),
        .wdata(s_axis_weights_tdata[WORD_WIDTH-1:0]),
        .ren  (en),
        .raddr(addr),
        .rdata(word)
    );
  end else begin : gen_rom
    assign s_axis_weights_tready = 1'b0;
    assign loaded = 1'b1;
    rom #(
        .DEPTH(DEPTH),
        .WIDTH(WORD_WIDTH),
        .INIT_FILE(INIT_FILE),
        .RAM_STYLE(RAM_STYLE)
    ) u_rom (
        .clk,
        .en,
        .addr,
        .data(word)
    );
  end

  // Stages: 1 the factors, 2 the products, 3 the sums, which are the output.
  logic valid1_q, valid2_q, first_q, done2_q, last1_q, last2_q, done1;

  if (STEPS > 1) begin : gen_done
    assign done1 = word[WORD_WIDTH-1];
  end else begin : gen_done
    assign done1 = 1'b1;
  end

  always_ff @(posedge clk) begin
    if (en) begin
      last1_q <= s_axis_tlast;
      last2_q <= last1_q;
      m_axis_tlast <= last2_q;
      done2_q <= done1;
    end
    if (rst) first_q <= 1'b1;
    else if (en && valid2_q) first_q <= done2_q;
    if (rst) {valid1_q, valid2_q, m_axis_tvalid} <= '0;
    else if (en) begin
      valid1_q <= s_axis_tvalid && loaded && known;
      valid2_q <= valid1_q;
      m_axis_tvalid <= valid2_q && done2_q;
    end
  end

  logic [PE*ACCU_WIDTH-1:0] sums;
  assign m_axis_tdata = OUT_STREAM_WIDTH'(sums);

  if (PACK == 2) begin : gen_pack
    // (w0 + w1 2^SHIFT) (a0 + a1 2^SHIFT): fields 0 and 2 are the channels' products, field 1 is
    // waste. Each field's sum plus HALF is positive, so none borrows from the next one.
    localparam int unsigned BITS = 2 * SHIFT + ACCU_WIDTH;
    localparam logic [BITS-1:0] HALF = BITS'(1) << ACCU_WIDTH | BITS'(1) << (SHIFT + ACCU_WIDTH);
    // Both operands' bits, no more: only so do DSPs take in the accumulator as well.
    localparam int unsigned FULL = NARROW + WIDE + $clog2(SIMD);
    localparam int unsigned PRODUCT = FULL < BITS ? FULL : BITS;
    localparam int unsigned ACT = 2 * ACTIVATION_WIDTH + 1;
    localparam int unsigned WGT = 2 * WEIGHT_WIDTH + 1;

    for (genvar q = 0; q < PE / 2; q++) begin : gen_pair
      (* use_dsp = "yes" *) logic signed [PRODUCT-1:0] product_q;
      (* use_dsp = "yes" *) logic signed [BITS-1:0] acc_q;
      logic signed [PRODUCT-1:0] product, terms[SIMD];

      for (genvar s = 0; s < SIMD; s++) begin : gen_tap
        // High code less one where the low one is negative, low code: wires make the operand.
        logic [ACTIVATION_WIDTH-1:0] a0, a1;
        logic [ACT-1:0] a_q;
        logic [WGT-1:0] w;
        logic signed [SHIFT+ACTIVATION_WIDTH:0] a;
        logic low;
        assign a0 = s_axis_tdata[(s*PE+2*q)*ACTIVATION_WIDTH+:ACTIVATION_WIDTH];
        assign a1 = s_axis_tdata[(s*PE+2*q+1)*ACTIVATION_WIDTH+:ACTIVATION_WIDTH];
        always_ff @(posedge clk) begin
          if (en) begin
            a_q <= {
              {SIGNED_ACTIVATIONS && a1[ACTIVATION_WIDTH-1], a1}
                  - (ACTIVATION_WIDTH + 1)'(SIGNED_ACTIVATIONS && a0[ACTIVATION_WIDTH-1]),
              a0
            };
          end
        end
        assign w = word[(s*PE/2+q)*WGT+:WGT];
        assign low = SIGNED_ACTIVATIONS && a_q[ACTIVATION_WIDTH-1];
        assign a = {
          a_q[ACT-1:ACTIVATION_WIDTH], {(SHIFT - ACTIVATION_WIDTH) {low}}, a_q[ACTIVATION_WIDTH-1:0]
        };
        assign terms[s] = PRODUCT'(a) * PRODUCT'($signed(
            {w[WGT-1:WEIGHT_WIDTH], {(SHIFT - WEIGHT_WIDTH) {w[WEIGHT_WIDTH-1]}},
             w[WEIGHT_WIDTH-1:0]}
        ));
      end

      always_comb begin
        product = '0;
        for (int unsigned s = 0; s < SIMD; s++) product += terms[s];
      end

      always_ff @(posedge clk) begin
        if (en) product_q <= product;
        if (en && valid2_q) acc_q <= (first_q ? HALF : acc_q) + BITS'(product_q);
      end
      assign sums[2*q*ACCU_WIDTH+:ACCU_WIDTH] = acc_q[ACCU_WIDTH-1:0];
      assign sums[(2*q+1)*ACCU_WIDTH+:ACCU_WIDTH] = acc_q[2*SHIFT+:ACCU_WIDTH];
    end
  end else begin : gen_single
    localparam int unsigned FULL = ACTIVATION_WIDTH + 1 + WEIGHT_WIDTH + $clog2(SIMD);
    localparam int unsigned BITS = FULL < ACCU_WIDTH ? FULL : ACCU_WIDTH;
    // An attribute is no use to the simulator.
    // verilator lint_off UNUSEDPARAM
    localparam logic [23:0] USE_DSP = RES == "dsp" ? "yes" : "no";
    // verilator lint_on UNUSEDPARAM

    logic [LANES*ACTIVATION_WIDTH-1:0] a_q;
    always_ff @(posedge clk) if (en) a_q <= s_axis_tdata[LANES*ACTIVATION_WIDTH-1:0];

    for (genvar p = 0; p < PE; p++) begin : gen_channel
      (* use_dsp = USE_DSP *) logic signed [BITS-1:0] product_q;
      (* use_dsp = USE_DSP *) logic signed [ACCU_WIDTH-1:0] acc_q;
      logic signed [BITS-1:0] product, terms[SIMD];

      for (genvar s = 0; s < SIMD; s++) begin : gen_tap
        logic signed [WEIGHT_WIDTH-1:0] w;
        logic signed [BITS-1:0] a;
        assign w = word[(s*PE+p)*WEIGHT_WIDTH+:WEIGHT_WIDTH];
        assign a = BITS'($signed(
            {
              SIGNED_ACTIVATIONS && a_q[(s*PE+p+1)*ACTIVATION_WIDTH-1],
              a_q[(s*PE+p)*ACTIVATION_WIDTH+:ACTIVATION_WIDTH]
            }
        ));
        if (RES == "dsp") begin : gen_dsp
          assign terms[s] = a * BITS'(w);
        end else begin : gen_lut
          // Spelled out, so that no tool takes a DSP for it.
          always_comb begin
            terms[s] = w[WEIGHT_WIDTH-1] ? -(a <<< (WEIGHT_WIDTH - 1)) : '0;
            for (int unsigned b = 0; b < WEIGHT_WIDTH - 1; b++) begin
              terms[s] += w[b] ? a <<< b : '0;
            end
          end
        end
      end

      always_comb begin
        product = '0;
        for (int unsigned s = 0; s < SIMD; s++) product += terms[s];
      end

      always_ff @(posedge clk) begin
        if (en) product_q <= product;
        if (en && valid2_q) acc_q <= (first_q ? '0 : acc_q) + ACCU_WIDTH'(product_q);
      end
      assign sums[p*ACCU_WIDTH+:ACCU_WIDTH] = acc_q;
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
