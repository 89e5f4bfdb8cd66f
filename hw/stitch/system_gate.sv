// SPDX-License-Identifier: Apache-2.0
// Door of an input channel: lets one frame through, and watches that its tlast is in place.
//
//   beats of a frame = GROUP                              where i_rows is 0
//                      GROUP * ceil(i_length / i_rows)    else
//
// Only the handshake and tlast pass here, tdata goes by. What is behind is given tlast with the
// beat that is counted as the last, whatever the source says, and so never waits for more.
//
// Rate      one beat a cycle
// Latency   none: valid and ready pass within the cycle, while open
`default_nettype none

module system_gate #(
    // Does any of the channel's graphs set i_rows?
    parameter bit RAGGED = 1'b0
) (
    input wire logic        clk,
    input wire logic        rst,
    // Opens with the next cycle; the values are constant from here to the last beat
    input wire logic        i_start,
    // GROUP - 2, two's complement
    input wire logic [24:0] i_beats,
    // verilator lint_off UNUSEDSIGNAL
    // Of use to ragged frames only
    input wire logic [15:0] i_rows,
    input wire logic [15:0] i_length,
    // verilator lint_on UNUSEDSIGNAL

    input  wire logic s_axis_tlast,
    input  wire logic s_axis_tvalid,
    output logic      s_axis_tready,
    output logic      m_axis_tlast,
    output logic      m_axis_tvalid,
    input  wire logic m_axis_tready,

    output logic o_open,
    output logic o_early,
    output logic o_late
);
  logic open_q, take, group_end, last_group;
  logic [24:0] left_q;  // beats of the group after the one to come, less 1

  assign group_end     = left_q[24];
  assign m_axis_tlast  = group_end && last_group;
  assign m_axis_tvalid = s_axis_tvalid && open_q;
  assign s_axis_tready = m_axis_tready && open_q;
  assign take          = s_axis_tvalid && s_axis_tready;
  assign o_open        = open_q;
  assign o_early       = take && s_axis_tlast && !m_axis_tlast;
  assign o_late        = take && !s_axis_tlast && m_axis_tlast;

  always_ff @(posedge clk) begin
    if (i_start || (take && group_end)) left_q <= i_beats;
    else if (take) left_q <= left_q - 25'd1;
    if (rst) open_q <= 1'b0;
    else if (i_start) open_q <= 1'b1;
    else if (take && m_axis_tlast) open_q <= 1'b0;
  end

  if (RAGGED) begin : gen_ragged
    logic [15:0] rows_q;  // still to come
    assign last_group = i_rows == '0 || rows_q <= i_rows;
    always_ff @(posedge clk) begin
      if (i_start) rows_q <= i_length;
      else if (take && group_end) rows_q <= rows_q - i_rows;
    end
  end else begin : gen_plain
    assign last_group = 1'b1;
  end
endmodule

`default_nettype wire
