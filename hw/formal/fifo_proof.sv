// SPDX-License-Identifier: Apache-2.0
// Proof of fifo: DEPTH + 1 beats inside at most, taken at once while the memory has room; each out
// after DEPTH + 2 cycles of a sink that is ready all the time. The memory is the distributed one;
// the others differ from it in an attribute alone.
`default_nettype none

module fifo_proof #(
    parameter int unsigned DEPTH = 4,
    parameter int unsigned STREAM_WIDTH = 8
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

  fifo #(
      .DEPTH(DEPTH),
      .STREAM_WIDTH(STREAM_WIDTH)
  ) u_dut (
      .*
  );

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
      .hurry(m_axis_tready),
      .waiting_q(waiting)
  );

  watch #(
      .UNIT(STREAM_WIDTH),
      .CAPACITY(DEPTH + 1),
      .PATIENCE(DEPTH + 2)
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

  logic started_q = 1'b0;
  always_ff @(posedge clk) started_q <= 1'b1;

  // What induction needs to know of the state: pointers, words between them, the followed one.
  logic [7:0] waddr, raddr, words, place;
  assign waddr = 8'(u_dut.waddr_q);
  assign raddr = 8'(u_dut.raddr_q);
  assign words = waddr - raddr + (waddr < raddr || !u_dut.room_q ? 8'(DEPTH) : '0);
  assign place = raddr + ahead - 8'(m_axis_tvalid);

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      room : assert (s_axis_tready == (words < 8'(DEPTH)));
      pointers : assert (waddr < 8'(DEPTH) && raddr < 8'(DEPTH));
      flags : assert ((waddr == raddr) == (u_dut.room_q != u_dut.some_q));
      never_both : assert (u_dut.some_q || u_dut.room_q);
      count : assert (level == 8'(m_axis_tvalid) + words);
      if (following && (ahead != '0 || !m_axis_tvalid)) begin
        stored :
        assert (
            u_dut.u_ram.gen_distributed.mem[place < 8'(DEPTH) ? place : place - 8'(DEPTH)] ==
            {ended, followed}
        );
      end
    end
  end
endmodule

`default_nettype wire
