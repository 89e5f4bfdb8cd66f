// SPDX-License-Identifier: Apache-2.0
// Softmax of rows of scores: integers in, probabilities in units of 2^-OUT_WIDTH out.
//
//   e[m][l] = table[max_l s[m][l] - s[m][l]]
//   y[m][l] = min(floor(2^OUT_WIDTH * e[m][l] / sum_l e[m][l] + 1/2 + 2^-TIE), 2^OUT_WIDTH - 1)
//
// L, 1..LENGTH, is set for each frame where RAGGED; M is whatever s_axis carries up to tlast. Lanes
// beyond L in a row's last beat may hold anything; they take no part, and their e is 0. The table's
// first value, e of the maximum, is at least 1.
//
// Streams   s_axis_length: L, one beat a frame, taken with the frame's last beat; only if RAGGED
//           s_axis: rows of scores, ceil(L / PE) beats, PE lanes, tlast at the end of the frame
//           m_axis: rows of probabilities, as many beats, PE lanes, tlast at the end of the frame
// Rate      one beat a cycle, row after row, for rows of any length
// Latency   two rows' beats and OUT_WIDTH + 5 cycles
// Golden    softmax.py
//
// A row of e waits for its sum in a FIFO; one divider a lane follows.
`default_nettype none
`include "checks.svh"

module softmax #(
    // Bits of a score, two's complement
    parameter int unsigned IN_WIDTH = 8,
    // Bits of e, unsigned
    parameter int unsigned EXP_WIDTH = 8,
    // Bits of a probability, unsigned
    parameter int unsigned OUT_WIDTH = 8,
    // Greatest L, in codes
    parameter int unsigned LENGTH = 16,
    // Codes of a row worked on at once
    parameter int unsigned PE = 1,
    // L comes in s_axis_length; else it is LENGTH
    parameter bit RAGGED = 1'b0,
    // Row buffers and FIFO: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "distributed",
    // Tables, one a lane or, in block RAM, one a pair of lanes: "distributed" or "block"
    parameter ROM_STYLE = "distributed",
    // Bits of a sum, unsigned
    parameter int unsigned SUM_WIDTH = 12,
    // Halves go up, and so do quotients up to 2^-TIE below them
    parameter int unsigned TIE = 12,
    // The table's 2^IN_WIDTH values in $readmemh's format
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LENGTH_STREAM_WIDTH = (($clog2(LENGTH + 1) + 7) / 8) * 8,
    localparam int unsigned IN_STREAM_WIDTH = ((PE * IN_WIDTH + 7) / 8) * 8,
    localparam int unsigned OUT_STREAM_WIDTH = ((PE * OUT_WIDTH + 7) / 8) * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    input  wire logic [LENGTH_STREAM_WIDTH-1:0] s_axis_length_tdata,
    input  wire logic                           s_axis_length_tvalid,
    output logic                                s_axis_length_tready,
    input  wire logic [    IN_STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                           s_axis_tlast,
    input  wire logic                           s_axis_tvalid,
    output logic                                s_axis_tready,
    output logic      [   OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready
);
  localparam int unsigned LANES = PE == 0 ? 1 : PE;
  localparam int unsigned BEATS = LENGTH > LANES ? LENGTH / LANES : 1;
  localparam int unsigned Q_WIDTH = OUT_WIDTH < 2 ? 2 : OUT_WIDTH;
  // Beats filled up to whole bytes
  localparam int unsigned EXP_STREAM_WIDTH = ((PE * EXP_WIDTH + 7) / 8) * 8;
  localparam int unsigned SUM_STREAM_WIDTH = ((SUM_WIDTH + 7) / 8) * 8;
  // Of a dividend, e * 2^OUT_WIDTH
  localparam int unsigned N_WIDTH = EXP_WIDTH + Q_WIDTH + 1;
  localparam int unsigned OFFSET_WIDTH = SUM_WIDTH + Q_WIDTH;

  `SPEC_CHECK(in_width, IN_WIDTH >= 2 && IN_WIDTH <= 8, ("softmax: IN_WIDTH = %0d: 2..8", IN_WIDTH))
  `SPEC_CHECK(exp_width, EXP_WIDTH >= 1 && EXP_WIDTH <= 8,
              ("softmax: EXP_WIDTH = %0d: 1..8", EXP_WIDTH))
  `SPEC_CHECK(out_width, OUT_WIDTH >= 2 && OUT_WIDTH <= 16,
              ("softmax: OUT_WIDTH = %0d: 2..16", OUT_WIDTH))
  `SPEC_CHECK(length, LENGTH >= 1 && LENGTH <= 65536 && LENGTH % LANES == 0,
              ("softmax: LENGTH = %0d: 1..65536, a multiple of PE = %0d", LENGTH, PE))
  `SPEC_CHECK(pe, PE >= 1 && (!RAGGED || 1 << $clog2(PE) == PE),
              ("softmax: PE = %0d: at least 1, a power of two if RAGGED = %0d", PE, RAGGED))
  `SPEC_CHECK(ram_style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("softmax: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))
  `SPEC_CHECK(rom_style, ROM_STYLE == "distributed" || ROM_STYLE == "block",
              ("softmax: ROM_STYLE = %0s: distributed or block", ROM_STYLE))
  `SPEC_CHECK(
      sum_width, SUM_WIDTH <= 32 && 64'(LENGTH) * ((64'd1 << EXP_WIDTH) - 1) < 64'd1 << SUM_WIDTH,
      ("softmax: SUM_WIDTH = %0d: 1..32, for %0d codes of %0d bits", SUM_WIDTH, LENGTH, EXP_WIDTH))
  `SPEC_CHECK(tie, TIE >= 1 && TIE <= 16, ("softmax: TIE = %0d: 1..16", TIE))

  logic [EXP_STREAM_WIDTH-1:0] e_tdata;
  logic e_tlast, e_tvalid, e_tready;
  logic [SUM_STREAM_WIDTH-1:0] sum_tdata;
  logic sum_tvalid, sum_tready;

  rowexp #(
      .IN_WIDTH(IN_WIDTH),
      .OUT_WIDTH(EXP_WIDTH),
      .LENGTH(LENGTH),
      .PE(PE),
      .RAGGED(RAGGED),
      .RAM_STYLE(RAM_STYLE),
      .ROM_STYLE(ROM_STYLE),
      .SUM_WIDTH(SUM_WIDTH),
      .INIT_FILE(INIT_FILE)
  ) u_rowexp (
      .clk,
      .rst,
      .s_axis_length_tdata,
      .s_axis_length_tvalid,
      .s_axis_length_tready,
      .s_axis_tdata,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata     (e_tdata),
      .m_axis_tlast     (e_tlast),
      .m_axis_tvalid    (e_tvalid),
      .m_axis_tready    (e_tready),
      .m_axis_sum_tdata (sum_tdata),
      .m_axis_sum_tvalid(sum_tvalid),
      .m_axis_sum_tready(sum_tready)
  );

  // Beats are filled up with bits that nobody reads.
  // verilator lint_off UNUSEDSIGNAL
  logic [EXP_STREAM_WIDTH-1:0] row_tdata;
  logic [SUM_STREAM_WIDTH-1:0] divisor_tdata;
  // verilator lint_on UNUSEDSIGNAL
  logic row_tlast, row_tvalid, row_tready, rows_ready;
  logic divisor_tlast, divisor_tvalid, divisor_tready, divisors_ready;

  // A sum is on offer just as long as its row's last beat if both are taken together: so it marks
  // the end of the row, and the beat's tlast that of the frame.
  assign e_tready   = rows_ready && (!sum_tvalid || divisors_ready);
  assign sum_tready = rows_ready && divisors_ready;

  fifo #(
      .DEPTH(BEATS + 1),
      .STREAM_WIDTH(EXP_STREAM_WIDTH),
      .RAM_STYLE(RAM_STYLE)
  ) u_rows (
      .clk,
      .rst,
      .s_axis_tdata (e_tdata),
      .s_axis_tlast (sum_tvalid),
      .s_axis_tvalid(e_tvalid && (!sum_tvalid || divisors_ready)),
      .s_axis_tready(rows_ready),
      .m_axis_tdata (row_tdata),
      .m_axis_tlast (row_tlast),
      .m_axis_tvalid(row_tvalid),
      .m_axis_tready(row_tready)
  );

  // Four sums, so that rows of one beat follow each other without a gap
  fifo #(
      .DEPTH(4),
      .STREAM_WIDTH(SUM_STREAM_WIDTH)
  ) u_divisors (
      .clk,
      .rst,
      .s_axis_tdata (sum_tdata),
      .s_axis_tlast (e_tlast),
      .s_axis_tvalid(sum_tvalid && rows_ready),
      .s_axis_tready(divisors_ready),
      .m_axis_tdata (divisor_tdata),
      .m_axis_tlast (divisor_tlast),
      .m_axis_tvalid(divisor_tvalid),
      .m_axis_tready(divisor_tready)
  );

  logic [SUM_WIDTH-1:0] d, half;
  logic [OFFSET_WIDTH-1:0] offset;
  logic [PE*N_WIDTH-1:0] n;
  logic [PE*Q_WIDTH-1:0] quotients;
  logic en;

  assign en             = !m_axis_tvalid || m_axis_tready;
  assign row_tready     = en && divisor_tvalid;
  assign divisor_tready = en && row_tvalid && row_tlast;
  // The rounding, and half of the range that quotient adds again: see divide.sv
  assign d              = divisor_tdata[SUM_WIDTH-1:0];
  assign half           = SUM_WIDTH'(((SUM_WIDTH + 1)'(d) + (SUM_WIDTH + 1)'(d >> (TIE - 1))) >> 1);
  assign offset         = OFFSET_WIDTH'(half) - (OFFSET_WIDTH'(d) << (Q_WIDTH - 1));

  for (genvar p = 0; p < PE; p++) begin : gen_dividend
    assign n[p*N_WIDTH+:N_WIDTH] = {1'b0, row_tdata[p*EXP_WIDTH+:EXP_WIDTH], Q_WIDTH'(0)};
  end

  // No e exceeds the sum, so no dividend 2^OUT_WIDTH times the divisor.
  quotient #(
      .PE(PE),
      .N_WIDTH(N_WIDTH),
      .D_WIDTH(SUM_WIDTH),
      .OFFSET_WIDTH(OFFSET_WIDTH),
      .OUT_WIDTH(Q_WIDTH),
      .BOUNDED(1'b1)
  ) u_quotient (
      .clk,
      .rst,
      .en,
      .i_valid (row_tvalid && divisor_tvalid),
      .i_tag   (row_tlast && divisor_tlast),
      .i_n     (n),
      .i_d     (d),
      .i_offset(offset),
      .o_valid (m_axis_tvalid),
      .o_tag   (m_axis_tlast),
      .o_q     (quotients)
  );

  always_comb begin
    m_axis_tdata = '0;
    for (int unsigned p = 0; p < PE; p++) begin
      m_axis_tdata[p*OUT_WIDTH+:OUT_WIDTH] = OUT_WIDTH'(quotients[p*Q_WIDTH+:Q_WIDTH]);
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
