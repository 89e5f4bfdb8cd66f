// SPDX-License-Identifier: Apache-2.0
// Proof of skid: two beats inside at most, each out in the next cycle in which the sink is ready
// and nothing is in front of it. One that passes tvalid on gives a beat in the cycle in which it
// comes, so that there its beats are counted from a register slice on that stands before it.
`default_nettype none

module skid_proof #(
    parameter int unsigned STREAM_WIDTH = 8,
    parameter bit REGISTER_FORWARD = 1'b1
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

  // What the skid takes.
  logic dut_tready, dut_tvalid, dut_tlast;
  logic [STREAM_WIDTH-1:0] dut_tdata;

  skid #(
      .STREAM_WIDTH(STREAM_WIDTH),
      .REGISTER_FORWARD(REGISTER_FORWARD)
  ) u_dut (
      .s_axis_tdata (dut_tdata),
      .s_axis_tlast (dut_tlast),
      .s_axis_tvalid(dut_tvalid),
      .s_axis_tready(dut_tready),
      .*
  );

  if (REGISTER_FORWARD) begin : gen_alone
    assign {dut_tvalid, dut_tlast, dut_tdata} = {s_axis_tvalid, s_axis_tlast, s_axis_tdata};
    assign s_axis_tready                      = dut_tready;
  end else begin : gen_behind
    pipe #(
        .STREAM_WIDTH(STREAM_WIDTH)
    ) u_pipe (
        .m_axis_tdata (dut_tdata),
        .m_axis_tlast (dut_tlast),
        .m_axis_tvalid(dut_tvalid),
        .m_axis_tready(dut_tready),
        .*
    );
  end

  source #(
      .STREAM_WIDTH(STREAM_WIDTH),
      .PATIENCE(2)
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
      .CAPACITY(2),
      .PATIENCE(2)
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
      if (REGISTER_FORWARD)
        room :
        assert (s_axis_tready == (level < 8'd2));
        else room_behind : assert (s_axis_tready == (level < 8'd2) && dut_tready == u_dut.room_q);
      // What induction needs to know of the state.
      count :
      assert (level == 8'(REGISTER_FORWARD ? m_axis_tvalid : dut_tvalid) + 8'(!u_dut.room_q));
      if (following && ahead == 8'd1) begin
        if (REGISTER_FORWARD)
          spare :
          assert (u_dut.spare_q == {ended, followed});
          else next : assert ({dut_tlast, dut_tdata} == {ended, followed});
      end
    end
  end
endmodule

`default_nettype wire
