// SPDX-License-Identifier: Apache-2.0
// Hands each frame's length to three readers, of which one may lag behind by a frame.
//
// Each reader takes the length when it likes, once. The next frame's is offered two cycles after the
// last of them has it, so that no reader is on a path to the source; `held` counts as having it when
// it stands in a register, whence it goes to that reader.
`default_nettype none

module length_fork #(
    // Bits of a length
    parameter int unsigned STREAM_WIDTH = 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_tdata,
    input  wire logic                    s_tvalid,
    output logic                         s_tready,
    // Two readers of s_tdata
    output logic      [             1:0] m_tvalid,
    input  wire logic [             1:0] m_tready,
    // The reader that may lag
    output logic      [STREAM_WIDTH-1:0] held_tdata,
    output logic                         held_tvalid,
    input  wire logic                    held_tready
);
  logic [2:0] took_q, takes;

  assign m_tvalid = {2{s_tvalid}} & ~took_q[1:0];
  assign takes    = {!held_tvalid || held_tready, m_tready};
  assign s_tready = took_q == '1;

  always_ff @(posedge clk) begin
    if (s_tvalid && !took_q[2] && takes[2]) held_tdata <= s_tdata;
    if (rst) begin
      took_q      <= '0;
      held_tvalid <= 1'b0;
    end else begin
      took_q      <= s_tvalid && !s_tready ? took_q | takes : '0;
      held_tvalid <= (s_tvalid && !took_q[2]) || (held_tvalid && !held_tready);
    end
  end
endmodule

`default_nettype wire
