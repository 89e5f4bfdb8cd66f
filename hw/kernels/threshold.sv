// SPDX-License-Identifier: Apache-2.0
// Thresholds: sums -> codes by binary search among the steps of each channel.
//
//   out[c] = low + sum_i [acc[c] >= T[c][i]]     T[c] ascending, 2^OUT_WIDTH - 1 steps
//   low = OUT_SIGNED ? -2^(OUT_WIDTH-1) : 0
//
// Streams   s_axis_layer: which set of thresholds, one beat a frame; only if SETS > 1
//           s_axis: (pixels, NumChannels), PE lanes, tlast at the end of the frame, passed on
//           m_axis: (pixels, NumChannels), PE lanes
// Rate      one beat a cycle
// Latency   OUT_WIDTH + 1 cycles: a comparison a cycle, one bit of the code from each
// Memory    stage s: a ROM a lane of 2^s thresholds for each of SETS * NumChannels / PE folds,
//           NumChannels / PE rounded up to a power of two where SETS > 1
// Golden    threshold.py, requant.py
//
// The search and its memories stage by stage are those of FINN's RTL thresholding.
`default_nettype none
`include "checks.svh"

module threshold #(
    // Channels
    parameter int unsigned NumChannels = 16,
    // Channels worked on at once; divides NumChannels
    parameter int unsigned PE = 1,
    // Bits of a sum and of a threshold
    parameter int unsigned ACCU_WIDTH = 15,
    // Sums and thresholds are two's complement
    parameter bit ACCU_SIGNED = 1'b1,
    // Bits of a code
    parameter int unsigned OUT_WIDTH = 4,
    // Codes are two's complement
    parameter bit OUT_SIGNED = 1'b0,
    // Sets of thresholds
    parameter int unsigned SETS = 1,
    // The thresholds: "distributed", or "block" for stages of more than 64 words
    parameter RAM_STYLE = "block",
    // The thresholds of each stage, for $readmemh: a word is PE thresholds, lane 0 lowest; unsigned
    // (the top bit of signed ones turned over)
    parameter INIT_FILE_0 = "",
    parameter INIT_FILE_1 = "",
    parameter INIT_FILE_2 = "",
    parameter INIT_FILE_3 = "",
    parameter INIT_FILE_4 = "",
    parameter INIT_FILE_5 = "",
    parameter INIT_FILE_6 = "",
    parameter INIT_FILE_7 = "",
    // Derived, do not set
    localparam int unsigned LAYER_STREAM_WIDTH = SETS > 1 ? (($clog2(SETS) + 7) / 8) * 8 : 8,
    localparam int unsigned IN_STREAM_WIDTH = ((PE * ACCU_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                          clk,
    input  wire logic                          rst,
    input  wire logic [LAYER_STREAM_WIDTH-1:0] s_axis_layer_tdata,
    input  wire logic                          s_axis_layer_tvalid,
    output logic                               s_axis_layer_tready,
    // Beats are filled up with bits that nobody reads.
    // verilator lint_off UNUSEDSIGNAL
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
  `SPEC_CHECK(channels, NumChannels >= 1, ("threshold: NumChannels = %0d: at least 1", NumChannels))
  `SPEC_CHECK(pe, PE >= 1 && NumChannels % (PE == 0 ? 1 : PE) == 0,
              ("threshold: PE = %0d: divides NumChannels = %0d", PE, NumChannels))
  `SPEC_CHECK(accu, ACCU_WIDTH >= 2 && ACCU_WIDTH <= 32,
              ("threshold: ACCU_WIDTH = %0d: 2..32", ACCU_WIDTH))
  `SPEC_CHECK(out, OUT_WIDTH >= (OUT_SIGNED ? 2 : 1) && OUT_WIDTH <= 8,
              ("threshold: OUT_WIDTH = %0d: 1..8, 2..8 if OUT_SIGNED = %0d", OUT_WIDTH, OUT_SIGNED))
  `SPEC_CHECK(sets, SETS >= 1 && SETS <= 256, ("threshold: SETS = %0d: 1..256", SETS))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block",
              ("threshold: RAM_STYLE = %0s: distributed or block", RAM_STYLE))

  localparam int unsigned STAGES = OUT_WIDTH == 0 ? 1 : OUT_WIDTH;
  localparam int unsigned FOLD = PE == 0 || NumChannels < PE ? 1 : NumChannels / PE;
  localparam int unsigned DEPTH = SETS > 1 ? SETS << $clog2(FOLD) : FOLD;
  localparam int unsigned INDEX_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1;

  logic en, take;
  assign en = !m_axis_tvalid || m_axis_tready;

  logic [INDEX_WIDTH-1:0] index;
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
      .index
  );

  // The fold travels with its sums; no stage reads the last one.
  // verilator lint_off UNUSEDSIGNAL
  logic [INDEX_WIDTH-1:0] index_q[STAGES];
  // verilator lint_on UNUSEDSIGNAL
  logic [STAGES-1:0] valid_q, last_q;
  always_ff @(posedge clk) begin
    if (en) begin
      index_q[0] <= index;
      for (int unsigned s = 1; s < STAGES; s++) index_q[s] <= index_q[s-1];
      {m_axis_tlast, last_q} <= {last_q, s_axis_tlast};
    end
    if (rst) {m_axis_tvalid, valid_q} <= '0;
    else if (en) {m_axis_tvalid, valid_q} <= {valid_q, take};
  end

  for (genvar p = 0; p < PE; p++) begin : gen_lane
    logic [STAGES-1:0] out_q;
    for (genvar s = 0; s < STAGES; s++) begin : gen_stage
      localparam int unsigned WORDS = DEPTH << s;
      localparam int unsigned ADDR_WIDTH = WORDS > 1 ? $clog2(WORDS) : 1;
      logic [ADDR_WIDTH-1:0] addr;
      // Other lanes' thresholds
      // verilator lint_off UNUSEDSIGNAL
      logic [PE*ACCU_WIDTH-1:0] word;
      // verilator lint_on UNUSEDSIGNAL
      // Stages beyond those in use have no file: their word is shorter than the others'.
      // verilator lint_off WIDTHEXPAND
      rom #(
          .DEPTH(WORDS),
          .WIDTH(PE * ACCU_WIDTH),
          .INIT_FILE(s == 0 ? INIT_FILE_0 : s == 1 ? INIT_FILE_1 : s == 2 ? INIT_FILE_2 :
                     s == 3 ? INIT_FILE_3 : s == 4 ? INIT_FILE_4 : s == 5 ? INIT_FILE_5 :
                     s == 6 ? INIT_FILE_6 : INIT_FILE_7),
          .RAM_STYLE(RAM_STYLE == "block" && WORDS <= 64 ? "distributed" : RAM_STYLE)
      ) u_rom (
          .clk,
          .en,
          .addr,
          .data(word)
      );
      // verilator lint_on WIDTHEXPAND

      // The sum, and the bits of the code found before and with this comparison
      logic [ACCU_WIDTH-1:0] acc_q;
      logic [s:0] code;
      assign code[0] = acc_q >= word[p*ACCU_WIDTH+:ACCU_WIDTH];
      if (s == 0) begin : gen_first
        assign addr = index;
        always_ff @(posedge clk) begin
          if (en) begin
            acc_q <= s_axis_tdata[p*ACCU_WIDTH+:ACCU_WIDTH] ^
                {ACCU_SIGNED, {(ACCU_WIDTH - 1) {1'b0}}};
          end
        end
      end else begin : gen_next
        logic [s-1:0] code_q;
        assign code[s:1] = code_q;
        if (DEPTH > 1) begin : gen_fold
          assign addr = {index_q[s-1], gen_stage[s-1].code};
        end else begin : gen_no_fold
          assign addr = gen_stage[s-1].code;
        end
        always_ff @(posedge clk) begin
          if (en) begin
            acc_q  <= gen_stage[s-1].acc_q;
            code_q <= gen_stage[s-1].code;
          end
        end
      end
    end

    always_ff @(posedge clk) begin
      if (en) out_q <= gen_stage[STAGES-1].code ^ {OUT_SIGNED, {(STAGES - 1) {1'b0}}};
    end
    assign m_axis_tdata[p*STAGES+:STAGES] = out_q;
  end

  if (OUT_STREAM_WIDTH > PE * STAGES) begin : gen_pad
    assign m_axis_tdata[OUT_STREAM_WIDTH-1:PE*STAGES] = '0;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
