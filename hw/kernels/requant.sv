// SPDX-License-Identifier: Apache-2.0
// Requantizer: sums -> codes by one multiplication a lane.
//
//   out[c] = clip((acc[c] * m[c] + b[c]) >> n[c])
//   b[c] = B[c] << B_SHIFT     n[c] = SHIFT + select[c] * SHIFT_STEP
//
// A sum beyond PORT_WIDTH bits gives the end of the range instead: the staircase is flat there.
//
// Streams   s_axis_layer: which set of parameters, one beat a frame; only if SETS > 1
//           s_axis: (pixels, NumChannels), PE lanes, tlast at the end of the frame, passed on
//           m_axis: (pixels, NumChannels), PE lanes
// Rate      one beat a cycle
// Latency   4 cycles: sum and parameters, product, sum with b, code
// Memory    ROM of SETS * NumChannels / PE words, NumChannels / PE rounded up to a power of two
//           where SETS > 1; a word is PE times {select, B, m}, lane 0 lowest
// Golden    requant.py
//
// The product, b's addition and the registers around them are one DSP slice a lane where sum and
// factor fit its ports, 25 x 18 bits signed.
`default_nettype none
`include "checks.svh"

module requant #(
    // Channels
    parameter int unsigned NumChannels = 16,
    // Channels worked on at once; divides NumChannels
    parameter int unsigned PE = 1,
    // Bits of a sum, two's complement
    parameter int unsigned ACCU_WIDTH = 15,
    // Bits of a sum that reach the multiplier
    parameter int unsigned PORT_WIDTH = 15,
    // Bits of a code
    parameter int unsigned OUT_WIDTH = 4,
    // Codes are two's complement
    parameter bit OUT_SIGNED = 1'b0,
    // Bits of a factor m, unsigned
    parameter int unsigned M_WIDTH = 18,
    // Bits of an offset B, two's complement
    parameter int unsigned B_WIDTH = 16,
    // Zeros at the low end of b, not stored; no more than SHIFT
    parameter int unsigned B_SHIFT = 11,
    // Least shift n
    parameter int unsigned SHIFT = 22,
    // Different shifts: 1, 2 or 4
    parameter int unsigned SHIFTS = 1,
    // Distance from one shift to the next
    parameter int unsigned SHIFT_STEP = 1,
    // Sets of parameters
    parameter int unsigned SETS = 1,
    // The parameters: "distributed" or "block"
    parameter RAM_STYLE = "block",
    // The parameters' file for $readmemh
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LAYER_STREAM_WIDTH = SETS > 1 ? (($clog2(SETS) + 7) / 8) * 8 : 8,
    localparam int unsigned IN_STREAM_WIDTH = ((PE * ACCU_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                          clk,
    input  wire logic                          rst,
    // Beats are filled up with bits that nobody reads; SETS = 1 reads no layer.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [LAYER_STREAM_WIDTH-1:0] s_axis_layer_tdata,
    input  wire logic                          s_axis_layer_tvalid,
    output logic                               s_axis_layer_tready,
    input  wire logic [   IN_STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                          s_axis_tlast,
    input  wire logic                          s_axis_tvalid,
    output logic                               s_axis_tready,
    output logic      [  OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                               m_axis_tlast,
    output logic                               m_axis_tvalid,
    input  wire logic                          m_axis_tready
);
  `SPEC_CHECK(channels, NumChannels >= 1, ("requant: NumChannels = %0d: at least 1", NumChannels))
  `SPEC_CHECK(pe, PE >= 1 && NumChannels % (PE == 0 ? 1 : PE) == 0,
              ("requant: PE = %0d: divides NumChannels = %0d", PE, NumChannels))
  `SPEC_CHECK(accu, ACCU_WIDTH >= 2 && ACCU_WIDTH <= 32,
              ("requant: ACCU_WIDTH = %0d: 2..32", ACCU_WIDTH))
  `SPEC_CHECK(
      port, PORT_WIDTH >= 2 && PORT_WIDTH <= 25 && PORT_WIDTH <= ACCU_WIDTH,
      ("requant: PORT_WIDTH = %0d: 2..25, at most ACCU_WIDTH = %0d", PORT_WIDTH, ACCU_WIDTH))
  `SPEC_CHECK(out, OUT_WIDTH >= (OUT_SIGNED ? 2 : 1) && OUT_WIDTH <= 16,
              ("requant: OUT_WIDTH = %0d: 1..16, 2..16 if OUT_SIGNED = %0d", OUT_WIDTH, OUT_SIGNED))
  `SPEC_CHECK(m, M_WIDTH >= 2 && M_WIDTH <= 34, ("requant: M_WIDTH = %0d: 2..34", M_WIDTH))
  `SPEC_CHECK(
      b, B_WIDTH >= 2 && B_WIDTH + B_SHIFT <= 47,
      ("requant: B_WIDTH = %0d: at least 2, with B_SHIFT = %0d at most 47", B_WIDTH, B_SHIFT))
  `SPEC_CHECK(bshift, B_SHIFT <= SHIFT,
              ("requant: B_SHIFT = %0d: at most SHIFT = %0d", B_SHIFT, SHIFT))
  `SPEC_CHECK(shifts, SHIFTS == 1 || SHIFTS == 2 || SHIFTS == 4,
              ("requant: SHIFTS = %0d: 1, 2 or 4", SHIFTS))
  `SPEC_CHECK(step, SHIFTS == 1 || SHIFT_STEP >= 1,
              ("requant: SHIFT_STEP = %0d: at least 1 if SHIFTS = %0d > 1", SHIFT_STEP, SHIFTS))
  `SPEC_CHECK(shift, SHIFT + (SHIFTS - 1) * SHIFT_STEP <= 46,
              ("requant: SHIFT = %0d: at most 46 - %0d", SHIFT, (SHIFTS - 1) * SHIFT_STEP))
  `SPEC_CHECK(sets, SETS >= 1 && SETS <= 256, ("requant: SETS = %0d: 1..256", SETS))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block",
              ("requant: RAM_STYLE = %0s: distributed or block", RAM_STYLE))

  localparam int unsigned FOLD = PE == 0 || NumChannels < PE ? 1 : NumChannels / PE;
  localparam int unsigned SELECT_WIDTH = SHIFTS > 1 ? $clog2(SHIFTS) : 0;
  localparam int unsigned LANE_WIDTH = SELECT_WIDTH + B_WIDTH + M_WIDTH;
  localparam int unsigned DEPTH = SETS > 1 ? SETS << $clog2(FOLD) : FOLD;
  localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam int unsigned PRODUCT_WIDTH = PORT_WIDTH + M_WIDTH;
  localparam int unsigned OFFSET_WIDTH = B_WIDTH + B_SHIFT;
  localparam int unsigned SUM_WIDTH = 1 +
      (PRODUCT_WIDTH > OFFSET_WIDTH ? PRODUCT_WIDTH : OFFSET_WIDTH);

  logic en, take;
  assign en = !m_axis_tvalid || m_axis_tready;

  logic [ADDR_WIDTH-1:0] addr;
  fold_index #(
      .FOLD(FOLD),
      .SETS(SETS)
  ) u_index (
      .clk,
      .rst,
      .en,
      .s_axis_layer_tdata,
      .s_axis_layer_tvalid,
      .s_axis_layer_tready,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .take,
      .index(addr)
  );

  logic [PE*LANE_WIDTH-1:0] word;
  rom #(
      .DEPTH    (DEPTH),
      .WIDTH    (PE * LANE_WIDTH),
      .INIT_FILE(INIT_FILE),
      .RAM_STYLE(RAM_STYLE)
  ) u_rom (
      .clk,
      .en,
      .addr,
      .data(word)
  );

  logic [2:0] valid_q, last_q;
  always_ff @(posedge clk) begin
    if (en) {m_axis_tlast, last_q} <= {last_q, s_axis_tlast};
    if (rst) {m_axis_tvalid, valid_q} <= '0;
    else if (en) {m_axis_tvalid, valid_q} <= {valid_q, take};
  end

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    logic signed [PORT_WIDTH-1:0] acc_q;
    logic signed [PRODUCT_WIDTH-1:0] product_q;
    logic signed [B_WIDTH-1:0] b_q;
    logic signed [SUM_WIDTH-1:0] offset;
    // Bits below the shift are rounded away.
    // verilator lint_off UNUSEDSIGNAL
    logic signed [SUM_WIDTH-1:0] sum_q;
    // verilator lint_on UNUSEDSIGNAL
    assign offset = SUM_WIDTH'(b_q) <<< B_SHIFT;

    always_ff @(posedge clk) begin
      if (en) begin
        acc_q     <= s_axis_tdata[p*ACCU_WIDTH+:PORT_WIDTH];
        product_q <= acc_q * $signed({1'b0, word[p*LANE_WIDTH+:M_WIDTH]});
        b_q       <= word[p*LANE_WIDTH+M_WIDTH+:B_WIDTH];
        sum_q     <= SUM_WIDTH'(product_q) + offset;
      end
    end

    // The sum, shifted but not yet clipped: WINDOW bits from the least shift on.
    localparam int unsigned WINDOW = SUM_WIDTH > SHIFT + OUT_WIDTH ? SUM_WIDTH - SHIFT :
        OUT_WIDTH + 1;
    logic signed [WINDOW-1:0] code;
    if (SHIFTS > 1) begin : gen_select
      logic [SELECT_WIDTH-1:0] select_q[2];
      logic [SELECT_WIDTH-1:0] select;
      always_ff @(posedge clk) begin
        if (en) begin
          select_q[0] <= word[p*LANE_WIDTH+M_WIDTH+B_WIDTH+:SELECT_WIDTH];
          select_q[1] <= select_q[0];
        end
      end
      assign select = select_q[1];
      always_comb begin
        code = WINDOW'(sum_q >>> SHIFT);
        for (int unsigned i = 1; i < SHIFTS; i++) begin
          if (select == SELECT_WIDTH'(i)) code = WINDOW'(sum_q >>> (SHIFT + i * SHIFT_STEP));
        end
      end
    end else begin : gen_one_shift
      assign code = WINDOW'(sum_q >>> SHIFT);
    end

    // The code, and also the sum, beyond the range; and on which side.
    logic outside, over, below;
    if (ACCU_WIDTH > PORT_WIDTH) begin : gen_port
      logic [2:0] over_q, below_q;
      always_ff @(posedge clk) begin
        if (en) begin
          below_q <= {below_q[1:0], s_axis_tdata[(p+1)*ACCU_WIDTH-1]};
          over_q <= {
            over_q[1:0],
            s_axis_tdata[p*ACCU_WIDTH+PORT_WIDTH-1+:ACCU_WIDTH-PORT_WIDTH+1] !=
            {(ACCU_WIDTH - PORT_WIDTH + 1) {s_axis_tdata[(p+1)*ACCU_WIDTH-1]}}
          };
        end
      end
      assign over  = over_q[2] || outside;
      assign below = over_q[2] ? below_q[2] : code[WINDOW-1];
    end else begin : gen_no_port
      assign over  = outside;
      assign below = code[WINDOW-1];
    end

    logic [OUT_WIDTH-1:0] out_q;
    if (OUT_SIGNED) begin : gen_signed
      assign outside = code[WINDOW-1:OUT_WIDTH-1] != {(WINDOW - OUT_WIDTH + 1) {code[WINDOW-1]}};
      always_ff @(posedge clk) begin
        if (en) out_q <= over ? {below, {(OUT_WIDTH - 1) {!below}}} : code[OUT_WIDTH-1:0];
      end
    end else begin : gen_unsigned
      assign outside = code[WINDOW-1:OUT_WIDTH] != '0;
      always_ff @(posedge clk) begin
        if (en) out_q <= over ? {OUT_WIDTH{!below}} : code[OUT_WIDTH-1:0];
      end
    end
    assign m_axis_tdata[p*OUT_WIDTH+:OUT_WIDTH] = out_q;
  end

  if (OUT_STREAM_WIDTH > PE * OUT_WIDTH) begin : gen_pad
    assign m_axis_tdata[OUT_STREAM_WIDTH-1:PE*OUT_WIDTH] = '0;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
