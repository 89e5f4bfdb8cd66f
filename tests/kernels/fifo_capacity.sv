// SPDX-License-Identifier: Apache-2.0
// Fills a fifo whose reader never takes anything, and tells how many beats it took once it has
// refused for 15 cycles.
`default_nettype none

module fifo_capacity #(
    parameter int unsigned DEPTH = 32,
    parameter RAM_STYLE = "distributed"
) (
    input  wire logic        clk,
    input  wire logic        rst,
    output logic      [31:0] m_axis_tdata,
    output logic             m_axis_tlast,
    output logic             m_axis_tvalid,
    input  wire logic        m_axis_tready
);
  logic ready, done_q;
  logic [3:0] refused_q;

  // verilator lint_off PINCONNECTEMPTY
  fifo #(
      .DEPTH(DEPTH),
      .STREAM_WIDTH(8),
      .RAM_STYLE(RAM_STYLE)
  ) u_fifo (
      .clk,
      .rst,
      .s_axis_tdata (8'h5a),
      .s_axis_tlast (1'b0),
      .s_axis_tvalid(1'b1),
      .s_axis_tready(ready),
      .m_axis_tdata (),
      .m_axis_tlast (),
      .m_axis_tvalid(),
      .m_axis_tready(1'b0)
  );
  // verilator lint_on PINCONNECTEMPTY

  assign m_axis_tlast  = 1'b1;
  assign m_axis_tvalid = refused_q == '1 && !done_q;

  always_ff @(posedge clk) begin
    if (rst) begin
      m_axis_tdata <= '0;
      refused_q    <= '0;
      done_q       <= 1'b0;
    end else begin
      if (ready) m_axis_tdata <= m_axis_tdata + 1;
      if (ready) refused_q <= '0;
      else if (refused_q != '1) refused_q <= refused_q + 1'b1;
      if (m_axis_tvalid && m_axis_tready) done_q <= 1'b1;
    end
  end
endmodule

`default_nettype wire
