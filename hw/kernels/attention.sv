// SPDX-License-Identifier: Apache-2.0
// One attention head as a stream of queries: scores, softmax and context, no score matrix stored.
//
//   s[l] = clip((sum_i q[m][i] * k[l][i] * m' + b') >> n')     one m', b', n' for all scores
//   e[l] = table[max_l s[l] - s[l]]
//   y[m][i] = clip(floor(sum_l e[l] * v[l][i] / sum_l e[l] + 1/2 + 2^-TIE))
//
// L keys and values, 1..LENGTH, set for each frame where RAGGED; M queries, up to s_axis_q's tlast.
// All of it is exact: integer sums, one rounding to scores, one division. The table's first value,
// e of the maximum, is at least 1. Dividing after the product with v follows FlashAttention (Dao
// et al. 2022, section 3.1).
//
// Streams   s_axis_length: L, one beat a frame; only if RAGGED
//           s_axis_layer: which m', b', n', one beat a frame; only if SETS > 1
//           s_axis_k, s_axis_v: (L, DIM), SIMD lanes, in any order of one to the other; where PE
//           does not divide L, rows of any codes follow up to a multiple of PE
//           s_axis_q: (M, DIM), SIMD lanes, tlast at the end of the frame
//           m_axis: (M, DIM), SIMD lanes, tlast at the end of the frame
// Rate      2 * PE * SIMD products a cycle: a query takes DIM / SIMD * ceil(L / PE) cycles, while a
//           row's ceil(L / PE) beats are at least DIVIDE_CYCLES. The scores of a query are computed
//           while the one before is in the softmax and in the product with v
// Latency   attention.py, cycles(): the keys' beats, then about two queries' time
// Memory    keys and values (twice if DOUBLE), as matmul stores them; two rows of LENGTH scores, one
//           of LENGTH e, one query, 2^S_WIDTH values of e a lane
// Golden    attention.py
//
// What could wait in a circle, and why nothing does:
// - The length goes to three readers, each of which takes it when it has done: rowexp after its last
//   score, the products after their last key and value. Each is offered it on its own, and rowexp
//   from a register, so that the next frame's keys and values load meanwhile. A reader waits for
//   its data alone, and the length for the slowest reader.
// - A sum waits for its row's product with v, and rowexp with its next row's last e for room in the
//   FIFO of sums. The oldest sum's row has left rowexp as a whole, since a sum comes with its
//   row's last e. So its context comes out without anything further going in, and frees the sum.
`default_nettype none
`include "checks.svh"

module attention #(
    // Greatest L
    parameter int unsigned LENGTH = 16,
    // Codes of a query, of a key and of a value
    parameter int unsigned DIM = 8,
    // Keys worked on at once
    parameter int unsigned PE = 2,
    // Codes of a query or value worked on at once
    parameter int unsigned SIMD = 2,
    // Bits of a code of a query, a key and a value, two's complement
    parameter int unsigned Q_WIDTH = 8,
    parameter int unsigned K_WIDTH = 8,
    parameter int unsigned V_WIDTH = 8,
    // Bits of a score, two's complement
    parameter int unsigned S_WIDTH = 8,
    // Bits of e, unsigned
    parameter int unsigned E_WIDTH = 8,
    // Bits of y, two's complement
    parameter int unsigned OUT_WIDTH = 8,
    // Bits of a sum q * k, of a sum e * v (two's complement) and of a sum of e (unsigned)
    parameter int unsigned S_ACCU_WIDTH = 19,
    parameter int unsigned N_ACCU_WIDTH = 20,
    parameter int unsigned SUM_WIDTH = 12,
    // The scores' m', b', n', as in requant.sv
    parameter int unsigned PORT_WIDTH = 19,
    parameter int unsigned M_WIDTH = 18,
    parameter int unsigned B_WIDTH = 16,
    parameter int unsigned B_SHIFT = 16,
    parameter int unsigned SHIFT = 26,
    parameter int unsigned SHIFTS = 1,
    parameter int unsigned SHIFT_STEP = 1,
    // Sets of m', b', n'
    parameter int unsigned SETS = 1,
    // Halves go up, and so do quotients up to 2^-TIE below them
    parameter int unsigned TIE = 12,
    // Clock cycles of a division: OUT_WIDTH or 1
    parameter int unsigned DIVIDE_CYCLES = 8,
    // Products a multiplier: 1, 2 or 4
    parameter int unsigned PACK = 1,
    // What multiplies: "dsp" or "lut"
    parameter RES = "dsp",
    // Keys and values: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "block",
    // Rows of scores: "distributed", "block" or "ultra"
    parameter ROW_STYLE = "distributed",
    // Tables of e, one for each of PE: "distributed" or "block"
    parameter ROM_STYLE = "distributed",
    // The next frame's keys and values load while this one is at work
    parameter bit DOUBLE = 1'b1,
    // L comes in s_axis_length; else it is LENGTH
    parameter bit RAGGED = 1'b0,
    // The scores' parameters and the table of e, for $readmemh
    parameter REQUANT_INIT_FILE = "",
    parameter ROWEXP_INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LENGTH_STREAM_WIDTH = (($clog2(LENGTH + 1) + 7) / 8) * 8,
    localparam int unsigned LAYER_STREAM_WIDTH = SETS > 1 ? (($clog2(SETS) + 7) / 8) * 8 : 8,
    localparam int unsigned Q_STREAM_WIDTH = ((SIMD * Q_WIDTH + 7) / 8) * 8,
    localparam int unsigned K_STREAM_WIDTH = ((SIMD * K_WIDTH + 7) / 8) * 8,
    localparam int unsigned V_STREAM_WIDTH = ((SIMD * V_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((SIMD * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    // RAGGED = 0 reads no length, SETS = 1 no layer.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [LENGTH_STREAM_WIDTH-1:0] s_axis_length_tdata,
    input  wire logic                           s_axis_length_tvalid,
    // verilator lint_on UNUSEDSIGNAL
    output logic                                s_axis_length_tready,
    input  wire logic [ LAYER_STREAM_WIDTH-1:0] s_axis_layer_tdata,
    input  wire logic                           s_axis_layer_tvalid,
    output logic                                s_axis_layer_tready,
    input  wire logic [     K_STREAM_WIDTH-1:0] s_axis_k_tdata,
    input  wire logic                           s_axis_k_tvalid,
    output logic                                s_axis_k_tready,
    input  wire logic [     V_STREAM_WIDTH-1:0] s_axis_v_tdata,
    input  wire logic                           s_axis_v_tvalid,
    output logic                                s_axis_v_tready,
    input  wire logic [     Q_STREAM_WIDTH-1:0] s_axis_q_tdata,
    input  wire logic                           s_axis_q_tlast,
    input  wire logic                           s_axis_q_tvalid,
    output logic                                s_axis_q_tready,
    output logic      [   OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready
);
  // Greatest sums; the scores' requantizer checks its own parameters.
  localparam longint unsigned SCORE = (64'(DIM) << (Q_WIDTH + K_WIDTH - 2)) + 1;
  localparam longint unsigned WEIGHT = 64'(LENGTH) * ((64'd1 << E_WIDTH) - 1);
  localparam longint unsigned CONTEXT = WEIGHT << (V_WIDTH - 1);
  localparam longint unsigned ONE = 1;

  `SPEC_CHECK(length, LENGTH >= 1 && LENGTH <= 65536 && LENGTH % (PE == 0 ? 1 : PE) == 0,
              ("attention: LENGTH = %0d: 1..65536, a multiple of PE = %0d", LENGTH, PE))
  `SPEC_CHECK(dim, DIM >= 1 && DIM <= 65536 && DIM % (SIMD == 0 ? 1 : SIMD) == 0,
              ("attention: DIM = %0d: 1..65536, a multiple of SIMD = %0d", DIM, SIMD))
  `SPEC_CHECK(pe, PE >= 1 && (!RAGGED || 1 << $clog2(PE) == PE),
              ("attention: PE = %0d: at least 1, a power of two if RAGGED = %0d", PE, RAGGED))
  `SPEC_CHECK(simd, SIMD >= 1, ("attention: SIMD = %0d: at least 1", SIMD))
  `SPEC_CHECK(q_width, Q_WIDTH >= 2 && Q_WIDTH <= 16, ("attention: Q_WIDTH = %0d: 2..16", Q_WIDTH))
  `SPEC_CHECK(k_width, K_WIDTH >= 2 && K_WIDTH <= 16, ("attention: K_WIDTH = %0d: 2..16", K_WIDTH))
  `SPEC_CHECK(v_width, V_WIDTH >= 2 && V_WIDTH <= 16, ("attention: V_WIDTH = %0d: 2..16", V_WIDTH))
  `SPEC_CHECK(s_width, S_WIDTH >= 2 && S_WIDTH <= 8, ("attention: S_WIDTH = %0d: 2..8", S_WIDTH))
  `SPEC_CHECK(e_width, E_WIDTH >= 1 && E_WIDTH <= 8, ("attention: E_WIDTH = %0d: 1..8", E_WIDTH))
  `SPEC_CHECK(out_width, OUT_WIDTH >= 2 && OUT_WIDTH <= 16,
              ("attention: OUT_WIDTH = %0d: 2..16", OUT_WIDTH))
  `SPEC_CHECK(
      s_accu_width, S_ACCU_WIDTH >= 2 && S_ACCU_WIDTH <= 32 && SCORE <= ONE << (S_ACCU_WIDTH - 1),
      ("attention: S_ACCU_WIDTH = %0d: up to 32, holds sums up to %0d", S_ACCU_WIDTH, SCORE))
  `SPEC_CHECK(
      n_accu_width, N_ACCU_WIDTH >= 2 && N_ACCU_WIDTH <= 32 && CONTEXT <= ONE << (N_ACCU_WIDTH - 1),
      ("attention: N_ACCU_WIDTH = %0d: up to 32, holds sums up to %0d", N_ACCU_WIDTH, CONTEXT))
  `SPEC_CHECK(sum_width, SUM_WIDTH >= 1 && SUM_WIDTH <= 32 && WEIGHT < ONE << SUM_WIDTH,
              ("attention: SUM_WIDTH = %0d: up to 32, holds sums up to %0d", SUM_WIDTH, WEIGHT))
  `SPEC_CHECK(tie, TIE >= 1 && TIE <= 16, ("attention: TIE = %0d: 1..16", TIE))
  `SPEC_CHECK(cycles, DIVIDE_CYCLES == 1 || DIVIDE_CYCLES == OUT_WIDTH,
              ("attention: DIVIDE_CYCLES = %0d: 1 or OUT_WIDTH = %0d", DIVIDE_CYCLES, OUT_WIDTH))
  `SPEC_CHECK(
      pack,
      PACK == 1 || ((PACK == 2 || PACK == 4) && RES == "dsp" && PE % PACK == 0 && SIMD % PACK == 0),
      ("attention: PACK = %0d: 1, 2 or 4 if RES = %0s; divides %0d and %0d", PACK, RES, PE, SIMD))
  `SPEC_CHECK(res, RES == "dsp" || RES == "lut", ("attention: RES = %0s: dsp or lut", RES))
  `SPEC_CHECK(ram_style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("attention: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))
  `SPEC_CHECK(row_style, ROW_STYLE == "distributed" || ROW_STYLE == "block" || ROW_STYLE == "ultra",
              ("attention: ROW_STYLE = %0s: distributed, block or ultra", ROW_STYLE))
  `SPEC_CHECK(rom_style, ROM_STYLE == "distributed" || ROM_STYLE == "block",
              ("attention: ROM_STYLE = %0s: distributed or block", ROM_STYLE))

  // Beats filled up to whole bytes
  localparam int unsigned S_ACCU_STREAM_WIDTH = ((PE * S_ACCU_WIDTH + 7) / 8) * 8;
  localparam int unsigned S_STREAM_WIDTH = ((PE * S_WIDTH + 7) / 8) * 8;
  localparam int unsigned E_STREAM_WIDTH = ((PE * E_WIDTH + 7) / 8) * 8;
  localparam int unsigned SUM_STREAM_WIDTH = ((SUM_WIDTH + 7) / 8) * 8;
  localparam int unsigned N_ACCU_STREAM_WIDTH = ((SIMD * N_ACCU_WIDTH + 7) / 8) * 8;

  // The length, to each reader on its own; to the products in whole beats.
  logic [LENGTH_STREAM_WIDTH-1:0] row_length, filled;
  logic qk_length_tvalid, qk_length_tready, ev_length_tvalid, ev_length_tready;
  logic row_length_tvalid, row_length_tready;

  assign filled = LENGTH_STREAM_WIDTH'((32'(s_axis_length_tdata) + PE - 1) & ~(PE - 1));

  if (RAGGED) begin : gen_length
    length_fork #(
        .STREAM_WIDTH(LENGTH_STREAM_WIDTH)
    ) u_fork (
        .clk,
        .rst,
        .s_tdata    (s_axis_length_tdata),
        .s_tvalid   (s_axis_length_tvalid),
        .s_tready   (s_axis_length_tready),
        .m_tvalid   ({qk_length_tvalid, ev_length_tvalid}),
        .m_tready   ({qk_length_tready, ev_length_tready}),
        .held_tdata (row_length),
        .held_tvalid(row_length_tvalid),
        .held_tready(row_length_tready)
    );
  end else begin : gen_fixed
    assign s_axis_length_tready = qk_length_tready && ev_length_tready && row_length_tready;
    assign {qk_length_tvalid, ev_length_tvalid, row_length_tvalid} = '0;
    assign row_length = '0;
  end

  logic [S_ACCU_STREAM_WIDTH-1:0] sum_tdata;
  logic sum_tlast, sum_tvalid, sum_tready;

  matmul #(
      .TRANSPOSED(1'b1),
      .LENGTH    (LENGTH),
      .DIM       (DIM),
      .PE        (PE),
      .SIMD      (SIMD),
      .A_WIDTH   (Q_WIDTH),
      .A_SIGNED  (1'b1),
      .B_WIDTH   (K_WIDTH),
      .ACCU_WIDTH(S_ACCU_WIDTH),
      .PACK      (PACK),
      .RES       (RES),
      .RAM_STYLE (RAM_STYLE),
      .DOUBLE    (DOUBLE),
      .RAGGED    (RAGGED)
  ) u_scores (
      .clk,
      .rst,
      .s_axis_length_tdata (filled),
      .s_axis_length_tvalid(qk_length_tvalid),
      .s_axis_length_tready(qk_length_tready),
      .s_axis_b_tdata      (s_axis_k_tdata),
      .s_axis_b_tvalid     (s_axis_k_tvalid),
      .s_axis_b_tready     (s_axis_k_tready),
      .s_axis_a_tdata      (s_axis_q_tdata),
      .s_axis_a_tlast      (s_axis_q_tlast),
      .s_axis_a_tvalid     (s_axis_q_tvalid),
      .s_axis_a_tready     (s_axis_q_tready),
      .m_axis_tdata        (sum_tdata),
      .m_axis_tlast        (sum_tlast),
      .m_axis_tvalid       (sum_tvalid),
      .m_axis_tready       (sum_tready)
  );

  logic [S_STREAM_WIDTH-1:0] score_tdata;
  logic score_tlast, score_tvalid, score_tready;

  requant #(
      .NumChannels(PE),
      .PE         (PE),
      .ACCU_WIDTH (S_ACCU_WIDTH),
      .PORT_WIDTH (PORT_WIDTH),
      .OUT_WIDTH  (S_WIDTH),
      .OUT_SIGNED (1'b1),
      .M_WIDTH    (M_WIDTH),
      .B_WIDTH    (B_WIDTH),
      .B_SHIFT    (B_SHIFT),
      .SHIFT      (SHIFT),
      .SHIFTS     (SHIFTS),
      .SHIFT_STEP (SHIFT_STEP),
      .SETS       (SETS),
      .RAM_STYLE  ("distributed"),
      .INIT_FILE  (REQUANT_INIT_FILE)
  ) u_requant (
      .clk,
      .rst,
      .s_axis_layer_tdata,
      .s_axis_layer_tvalid,
      .s_axis_layer_tready,
      .s_axis_tdata (sum_tdata),
      .s_axis_tlast (sum_tlast),
      .s_axis_tvalid(sum_tvalid),
      .s_axis_tready(sum_tready),
      .m_axis_tdata (score_tdata),
      .m_axis_tlast (score_tlast),
      .m_axis_tvalid(score_tvalid),
      .m_axis_tready(score_tready)
  );

  logic [E_STREAM_WIDTH-1:0] e_tdata;
  logic e_tlast, e_tvalid, e_tready;
  logic [SUM_STREAM_WIDTH-1:0] divisor_tdata;
  logic divisor_tvalid, divisor_tready;

  // Between registers both ways, so that scores, weights and context each stall on their own.
  attention_weights #(
      .LENGTH   (LENGTH),
      .PE       (PE),
      .S_WIDTH  (S_WIDTH),
      .E_WIDTH  (E_WIDTH),
      .SUM_WIDTH(SUM_WIDTH),
      .RAGGED   (RAGGED),
      .RAM_STYLE(ROW_STYLE),
      .ROM_STYLE(ROM_STYLE),
      .INIT_FILE(ROWEXP_INIT_FILE)
  ) u_weights (
      .clk,
      .rst,
      .s_axis_length_tdata (row_length),
      .s_axis_length_tvalid(row_length_tvalid),
      .s_axis_length_tready(row_length_tready),
      .s_axis_tdata        (score_tdata),
      .s_axis_tlast        (score_tlast),
      .s_axis_tvalid       (score_tvalid),
      .s_axis_tready       (score_tready),
      .m_axis_tdata        (e_tdata),
      .m_axis_tlast        (e_tlast),
      .m_axis_tvalid       (e_tvalid),
      .m_axis_tready       (e_tready),
      .m_axis_sum_tdata    (divisor_tdata),
      .m_axis_sum_tvalid   (divisor_tvalid),
      .m_axis_sum_tready   (divisor_tready)
  );

  logic [N_ACCU_STREAM_WIDTH-1:0] context_tdata;
  logic context_tlast, context_tvalid, context_tready;

  matmul #(
      .TRANSPOSED(1'b0),
      .LENGTH    (LENGTH),
      .DIM       (DIM),
      .PE        (SIMD),
      .SIMD      (PE),
      .A_WIDTH   (E_WIDTH),
      .A_SIGNED  (1'b0),
      .B_WIDTH   (V_WIDTH),
      .ACCU_WIDTH(N_ACCU_WIDTH),
      .PACK      (PACK),
      .RES       (RES),
      .RAM_STYLE (RAM_STYLE),
      .DOUBLE    (DOUBLE),
      .RAGGED    (RAGGED)
  ) u_context (
      .clk,
      .rst,
      .s_axis_length_tdata (filled),
      .s_axis_length_tvalid(ev_length_tvalid),
      .s_axis_length_tready(ev_length_tready),
      .s_axis_b_tdata      (s_axis_v_tdata),
      .s_axis_b_tvalid     (s_axis_v_tvalid),
      .s_axis_b_tready     (s_axis_v_tready),
      .s_axis_a_tdata      (e_tdata),
      .s_axis_a_tlast      (e_tlast),
      .s_axis_a_tvalid     (e_tvalid),
      .s_axis_a_tready     (e_tready),
      .m_axis_tdata        (context_tdata),
      .m_axis_tlast        (context_tlast),
      .m_axis_tvalid       (context_tvalid),
      .m_axis_tready       (context_tready)
  );

  divide #(
      .N_WIDTH  (N_ACCU_WIDTH),
      .D_WIDTH  (SUM_WIDTH),
      .OUT_WIDTH(OUT_WIDTH),
      .SIGNED   (1'b1),
      .DIM      (DIM),
      .PE       (SIMD),
      .TIE      (TIE),
      .CYCLES   (DIVIDE_CYCLES)
  ) u_divide (
      .clk,
      .rst,
      .s_axis_n_tdata (context_tdata),
      .s_axis_n_tlast (context_tlast),
      .s_axis_n_tvalid(context_tvalid),
      .s_axis_n_tready(context_tready),
      .s_axis_d_tdata (divisor_tdata),
      .s_axis_d_tvalid(divisor_tvalid),
      .s_axis_d_tready(divisor_tready),
      .m_axis_tdata,
      .m_axis_tlast,
      .m_axis_tvalid,
      .m_axis_tready
  );

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
