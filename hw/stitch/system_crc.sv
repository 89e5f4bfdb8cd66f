// SPDX-License-Identifier: Apache-2.0
// CRC-32 of what passed each stream channel of a system in its last frame, for the host to compare
// with what it sent and what it got (crc.sv).
//
// Nothing is held up: the beats are watched where they pass. A channel that does not exist reads 0.
//
// Latency   a frame's value is there 1 cycle after its last beat, until the next frame's
`default_nettype none

module system_crc #(
    // Channels into and out of the system
    parameter int unsigned INPUTS  = 1,
    parameter int unsigned OUTPUTS = 1
) (
    input wire logic clk,
    input wire logic rst,

    // Beats that pass, a frame's last one marked
    input wire logic [ INPUTS-1:0][7:0] i_in_tdata,
    input wire logic [ INPUTS-1:0]      i_in_tlast,
    input wire logic [ INPUTS-1:0]      i_in_take,
    input wire logic [OUTPUTS-1:0][7:0] i_out_tdata,
    input wire logic [OUTPUTS-1:0]      i_out_tlast,
    input wire logic [OUTPUTS-1:0]      i_out_take,

    // Direction (1: out) and channel that is read
    input  wire logic [ 3:0] i_channel,
    output logic      [31:0] o_crc
);
  localparam int unsigned CHANNELS = 8;

  logic [2*CHANNELS-1:0][31:0] sums;

  // Nobody waits for a tap.
  // verilator lint_off PINCONNECTEMPTY
  for (genvar i = 0; i < CHANNELS; i++) begin : gen_channel
    if (i < INPUTS) begin : gen_in
      crc #(
          .STREAM_WIDTH(8)
      ) u_crc (
          .clk,
          .rst,
          .s_axis_tdata (i_in_tdata[i]),
          .s_axis_tlast (i_in_tlast[i]),
          .s_axis_tvalid(i_in_take[i]),
          .s_axis_tready(),
          .m_axis_tdata (sums[i]),
          .m_axis_tlast (),
          .m_axis_tvalid(),
          .m_axis_tready(1'b1)
      );
    end else begin : gen_no_in
      assign sums[i] = '0;
    end
    if (i < OUTPUTS) begin : gen_out
      crc #(
          .STREAM_WIDTH(8)
      ) u_crc (
          .clk,
          .rst,
          .s_axis_tdata (i_out_tdata[i]),
          .s_axis_tlast (i_out_tlast[i]),
          .s_axis_tvalid(i_out_take[i]),
          .s_axis_tready(),
          .m_axis_tdata (sums[CHANNELS+i]),
          .m_axis_tlast (),
          .m_axis_tvalid(),
          .m_axis_tready(1'b1)
      );
    end else begin : gen_no_out
      assign sums[CHANNELS+i] = '0;
    end
  end
  // verilator lint_on PINCONNECTEMPTY

  assign o_crc = sums[i_channel];
endmodule

`default_nettype wire
