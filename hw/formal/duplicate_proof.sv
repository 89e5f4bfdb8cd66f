// SPDX-License-Identifier: Apache-2.0
// Proof of duplicate: each reader has every beat once, as soon as it is ready, whatever the other
// one does; the source's beat is taken in the first cycle in which both are ready.
`default_nettype none

module duplicate_proof #(
    parameter int unsigned STREAM_WIDTH = 8
) (
    input wire logic                    clk,
    input wire logic                    rst,
    input wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input wire logic                    s_axis_tlast,
    input wire logic                    s_axis_tvalid,
    input wire logic                    m_axis_0_tready,
    input wire logic                    m_axis_1_tready,
    input wire logic [             1:0] pick
);
  logic s_axis_tready, m_axis_0_tvalid, m_axis_0_tlast, m_axis_1_tvalid, m_axis_1_tlast, waiting;
  logic [STREAM_WIDTH-1:0] m_axis_0_tdata, m_axis_1_tdata;
  logic [1:0] following, ended, m_tvalid, m_tready, m_tlast;
  logic [1:0][STREAM_WIDTH-1:0] followed, m_tdata;
  logic [1:0][7:0] level, ahead, lane;

  duplicate #(.STREAM_WIDTH(STREAM_WIDTH)) u_dut (.*);

  source #(
      .STREAM_WIDTH(STREAM_WIDTH),
      .PATIENCE(1)
  ) u_source (
      .clk,
      .rst,
      .tdata(s_axis_tdata),
      .tlast(s_axis_tlast),
      .tvalid(s_axis_tvalid),
      .tready(s_axis_tready),
      .hurry(m_axis_0_tready && m_axis_1_tready),
      .waiting_q(waiting)
  );

  assign m_tvalid = {m_axis_1_tvalid, m_axis_0_tvalid};
  assign m_tready = {m_axis_1_tready, m_axis_0_tready};
  assign m_tdata  = {m_axis_1_tdata, m_axis_0_tdata};
  assign m_tlast  = {m_axis_1_tlast, m_axis_0_tlast};

  for (genvar r = 0; r < 2; r++) begin : gen_reader
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
        .m_tvalid(m_tvalid[r]),
        .m_tready(m_tready[r]),
        .m_tdata(m_tdata[r]),
        .m_tlast(m_tlast[r]),
        .pick(pick[r]),
        .hurry(m_tready[r]),
        .following_q(following[r]),
        .level_q(level[r]),
        .ahead_q(ahead[r]),
        .unit_q(followed[r]),
        .end_q(ended[r]),
        .lane_q(lane[r])
    );
  end

  logic started_q = 1'b0;
  always_ff @(posedge clk) started_q <= 1'b1;

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      room :
      assert (s_axis_tready == ((!m_tvalid[0] || m_tready[0]) && (!m_tvalid[1] || m_tready[1])));
      // What induction needs to know of the state.
      count : assert (level[0] == 8'(m_tvalid[0]) && level[1] == 8'(m_tvalid[1]));
    end
  end
endmodule

`default_nettype wire
