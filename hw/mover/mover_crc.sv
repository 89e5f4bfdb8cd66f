// SPDX-License-Identifier: Apache-2.0
// CRC-32 of what passed each end's stream in its last frame, for the host to compare with its
// memory (crc.sv), and which frame that was.
//
//   crc(e)     CRC-32 of the last whole frame of end e
//   frames(e)  whole frames of end e since reset, modulo 16
//
// Nothing is held up: the beats are watched where they pass.
//
// Rate      one beat a cycle an end
// Latency   1 cycle from a frame's last beat; o_* 1 cycle after i_read_end
// Golden    zlib's crc32
`default_nettype none

module mover_crc #(
    parameter int unsigned ENDS = 4,
    // Derived, do not set
    localparam int unsigned INDEX_BITS = ENDS > 1 ? $clog2(ENDS) : 1
) (
    input  wire logic                       clk,
    input  wire logic                       rst,
    // Beats that pass, a frame's last one marked
    input  wire logic [      ENDS-1:0][7:0] i_tdata,
    input  wire logic [      ENDS-1:0]      i_tlast,
    input  wire logic [      ENDS-1:0]      i_take,
    input  wire logic [INDEX_BITS-1:0]      i_read_end,
    output logic      [          31:0]      o_crc,
    output logic      [           3:0]      o_frames
);
  logic [ENDS-1:0][31:0] sums;
  logic [ENDS-1:0][ 3:0] frames_q;

  // Nobody waits for a tap.
  // verilator lint_off PINCONNECTEMPTY
  for (genvar e = 0; e < ENDS; e++) begin : gen_end
    crc #(
        .STREAM_WIDTH(8)
    ) u_crc (
        .clk,
        .rst,
        .s_axis_tdata (i_tdata[e]),
        .s_axis_tlast (i_tlast[e]),
        .s_axis_tvalid(i_take[e]),
        .s_axis_tready(),
        .m_axis_tdata (sums[e]),
        .m_axis_tlast (),
        .m_axis_tvalid(),
        .m_axis_tready(1'b1)
    );
    always_ff @(posedge clk) begin
      if (rst) frames_q[e] <= '0;
      else if (i_take[e] && i_tlast[e]) frames_q[e] <= frames_q[e] + 4'd1;
    end
  end
  // verilator lint_on PINCONNECTEMPTY

  always_ff @(posedge clk) begin
    o_crc    <= sums[i_read_end];
    o_frames <= frames_q[i_read_end];
  end
endmodule

`default_nettype wire
