// SPDX-License-Identifier: Apache-2.0
// The weights of attention's scores and each row's sum of them: rowexp between two skids, its sums in
// a FIFO until the rows' contexts are there. No tready crosses it in one cycle.
`default_nettype none

module attention_weights #(
    // Greatest L
    parameter int unsigned LENGTH = 16,
    // Scores worked on at once
    parameter int unsigned PE = 2,
    // Bits of a score, two's complement, of e, and of a sum of e, unsigned
    parameter int unsigned S_WIDTH = 8,
    parameter int unsigned E_WIDTH = 8,
    parameter int unsigned SUM_WIDTH = 12,
    // The rest as in rowexp.sv
    parameter bit RAGGED = 1'b0,
    parameter RAM_STYLE = "distributed",
    parameter ROM_STYLE = "distributed",
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned LENGTH_STREAM_WIDTH = (($clog2(LENGTH + 1) + 7) / 8) * 8,
    localparam int unsigned S_STREAM_WIDTH = ((PE * S_WIDTH + 7) / 8) * 8,
    localparam int unsigned E_STREAM_WIDTH = ((PE * E_WIDTH + 7) / 8) * 8,
    localparam int unsigned SUM_STREAM_WIDTH = ((SUM_WIDTH + 7) / 8) * 8
) (
    input  wire logic                           clk,
    input  wire logic                           rst,
    input  wire logic [LENGTH_STREAM_WIDTH-1:0] s_axis_length_tdata,
    input  wire logic                           s_axis_length_tvalid,
    output logic                                s_axis_length_tready,
    input  wire logic [     S_STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                           s_axis_tlast,
    input  wire logic                           s_axis_tvalid,
    output logic                                s_axis_tready,
    output logic      [     E_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                                m_axis_tlast,
    output logic                                m_axis_tvalid,
    input  wire logic                           m_axis_tready,
    output logic      [   SUM_STREAM_WIDTH-1:0] m_axis_sum_tdata,
    output logic                                m_axis_sum_tvalid,
    input  wire logic                           m_axis_sum_tready
);
  logic [S_STREAM_WIDTH-1:0] score_tdata;
  logic score_tlast, score_tvalid, score_tready;

  skid #(
      .STREAM_WIDTH(S_STREAM_WIDTH)
  ) u_scores (
      .clk,
      .rst,
      .s_axis_tdata,
      .s_axis_tlast,
      .s_axis_tvalid,
      .s_axis_tready,
      .m_axis_tdata (score_tdata),
      .m_axis_tlast (score_tlast),
      .m_axis_tvalid(score_tvalid),
      .m_axis_tready(score_tready)
  );

  logic [E_STREAM_WIDTH-1:0] e_tdata;
  logic e_tlast, e_tvalid, e_tready;
  logic [SUM_STREAM_WIDTH-1:0] sum_tdata;
  logic sum_tvalid, sum_tready;

  rowexp #(
      .IN_WIDTH (S_WIDTH),
      .OUT_WIDTH(E_WIDTH),
      .LENGTH   (LENGTH),
      .PE       (PE),
      .RAGGED   (RAGGED),
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
      .s_axis_tdata     (score_tdata),
      .s_axis_tlast     (score_tlast),
      .s_axis_tvalid    (score_tvalid),
      .s_axis_tready    (score_tready),
      .m_axis_tdata     (e_tdata),
      .m_axis_tlast     (e_tlast),
      .m_axis_tvalid    (e_tvalid),
      .m_axis_tready    (e_tready),
      .m_axis_sum_tdata (sum_tdata),
      .m_axis_sum_tvalid(sum_tvalid),
      .m_axis_sum_tready(sum_tready)
  );

  skid #(
      .STREAM_WIDTH(E_STREAM_WIDTH)
  ) u_weights (
      .clk,
      .rst,
      .s_axis_tdata (e_tdata),
      .s_axis_tlast (e_tlast),
      .s_axis_tvalid(e_tvalid),
      .s_axis_tready(e_tready),
      .m_axis_tdata,
      .m_axis_tlast,
      .m_axis_tvalid,
      .m_axis_tready
  );

  // The rows between their sum and their context: one or two, more where a row is a few cycles.
  // verilator lint_off PINCONNECTEMPTY
  fifo #(
      .DEPTH(8),
      .STREAM_WIDTH(SUM_STREAM_WIDTH)
  ) u_sums (
      .clk,
      .rst,
      .s_axis_tdata (sum_tdata),
      .s_axis_tlast (1'b0),
      .s_axis_tvalid(sum_tvalid),
      .s_axis_tready(sum_tready),
      .m_axis_tdata (m_axis_sum_tdata),
      .m_axis_tlast (),
      .m_axis_tvalid(m_axis_sum_tvalid),
      .m_axis_tready(m_axis_sum_tready)
  );
  // verilator lint_on PINCONNECTEMPTY
endmodule

`default_nettype wire
