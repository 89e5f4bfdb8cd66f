// SPDX-License-Identifier: Apache-2.0
// Proof of pipe: one beat inside at most, out in the next cycle in which the sink is ready. A beat is
// taken in the first cycle in which the one inside leaves, at the half rate in the one after.
`default_nettype none

module pipe_proof #(
    parameter int unsigned STREAM_WIDTH = 8,
    parameter bit HALF_RATE = 1'b0
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input wire logic                    s_axis_tlast,
    input wire logic                    s_axis_tvalid,
    input wire logic                    m_axis_tready,
    input wire logic                    pick
);
  logic s_axis_tready, m_axis_tvalid, m_axis_tlast, following, ended, waiting;
  logic [STREAM_WIDTH-1:0] m_axis_tdata, followed;
  logic [7:0] level, ahead, lane;

  pipe #(
      .STREAM_WIDTH(STREAM_WIDTH),
      .HALF_RATE(HALF_RATE)
  ) u_dut (
      .*
  );

  source #(
      .STREAM_WIDTH(STREAM_WIDTH),
      .PATIENCE(HALF_RATE ? 2 : 1)
  ) u_source (
      .clk,
      .rst,
      .tdata(s_axis_tdata),
      .tlast(s_axis_tlast),
      .tvalid(s_axis_tvalid),
      .tready(s_axis_tready),
      .hurry(m_axis_tready),
      .waiting_q(waiting)
  );

  watch #(
      .UNIT(STREAM_WIDTH),
      .CAPACITY(1),
      .PATIENCE(1)
  ) u_watch (
      .clk,
      .rst,
      .enter(s_axis_tvalid && s_axis_tready),
      .enter_data(s_axis_tdata),
      .enter_last(s_axis_tlast),
      .m_tvalid(m_axis_tvalid),
      .m_tready(m_axis_tready),
      .m_tdata(m_axis_tdata),
      .m_tlast(m_axis_tlast),
      .pick,
      .hurry(m_axis_tready),
      .following_q(following),
      .level_q(level),
      .ahead_q(ahead),
      .unit_q(followed),
      .end_q(ended),
      .lane_q(lane)
  );

  // The first cycle resets.
  logic started_q = 1'b0;
  always_ff @(posedge clk) started_q <= 1'b1;

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      room : assert (s_axis_tready == (!m_axis_tvalid || (m_axis_tready && !HALF_RATE)));
      // What induction needs to know of the state.
      count : assert (level == 8'(m_axis_tvalid));
    end
  end
endmodule

`default_nettype wire
