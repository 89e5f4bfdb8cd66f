// SPDX-License-Identifier: Apache-2.0
// Concatenation of channels: of each pixel all channels of one stream, then all of the other.
//
//   m[n] = (s_0[n], s_1[n])
//
// Streams   s_axis_0: (N, CA) codes, s_axis_1: (N, CB) with tlast, m_axis: (N, CA + CB); PE codes a
//           beat. N is whatever ends with s_axis_1's tlast
// Rate      one beat a cycle
// Latency   1 cycle
// Golden    concat.py
`default_nettype none
`include "checks.svh"

module concat #(
    // Channels of s_axis_0
    parameter  int unsigned CA         = 2,
    // Channels of s_axis_1
    parameter  int unsigned CB         = 4,
    // Codes of a beat
    parameter  int unsigned PE         = 2,
    // Bits of a code, 1 to 32
    parameter  int unsigned ELEM_WIDTH = 4,
    // Derived, do not set
    localparam int unsigned WIDTH      = (PE * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic             clk,
    input  wire logic             rst,
    // verilator lint_off UNUSEDSIGNAL
    // The upper bits of tdata fill the last byte.
    input  wire logic [WIDTH-1:0] s_axis_0_tdata,
    input  wire logic             s_axis_0_tvalid,
    output logic                  s_axis_0_tready,
    input  wire logic [WIDTH-1:0] s_axis_1_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic             s_axis_1_tlast,
    input  wire logic             s_axis_1_tvalid,
    output logic                  s_axis_1_tready,
    output logic      [WIDTH-1:0] m_axis_tdata,
    output logic                  m_axis_tlast,
    output logic                  m_axis_tvalid,
    input  wire logic             m_axis_tready
);
  localparam int unsigned Lanes = PE < 1 ? 1 : PE;  // keeps bad parameters readable
  `SPEC_CHECK(pe, PE >= 1, ("concat: PE = %0d: at least 1", PE))
  `SPEC_CHECK(ca, CA >= 1 && CA % Lanes == 0,
              ("concat: CA = %0d: a positive multiple of PE = %0d", CA, PE))
  `SPEC_CHECK(cb, CB >= 1 && CB % Lanes == 0,
              ("concat: CB = %0d: a positive multiple of PE = %0d", CB, PE))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("concat: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))

  localparam int unsigned Bits = Lanes * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);
  localparam int unsigned BeatsA = CA < Lanes ? 1 : CA / Lanes;
  localparam int unsigned BeatsB = CB < Lanes ? 1 : CB / Lanes;
  localparam int unsigned Most = BeatsA > BeatsB ? BeatsA : BeatsB;
  localparam int unsigned CountWidth = Most > 1 ? $clog2(Most) : 1;

  logic [CountWidth-1:0] left_q;  // beats of this pixel that the stream still has to give, less 1
  logic second_q;  // whose turn it is
  logic [Bits-1:0] data_q;
  logic en, valid;

  assign en              = !m_axis_tvalid || m_axis_tready;
  assign valid           = second_q ? s_axis_1_tvalid : s_axis_0_tvalid;
  assign s_axis_0_tready = en && !second_q;
  assign s_axis_1_tready = en && second_q;
  assign m_axis_tdata    = WIDTH'(data_q);

  always_ff @(posedge clk) begin
    if (en) begin
      data_q       <= second_q ? s_axis_1_tdata[Bits-1:0] : s_axis_0_tdata[Bits-1:0];
      m_axis_tlast <= second_q && s_axis_1_tlast;
    end
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      second_q      <= 1'b0;
      left_q        <= CountWidth'(BeatsA - 1);
    end else if (en) begin
      m_axis_tvalid <= valid;
      if (valid && left_q == 0) begin
        second_q <= !second_q;
        left_q   <= second_q ? CountWidth'(BeatsA - 1) : CountWidth'(BeatsB - 1);
      end else if (valid) begin
        left_q <= left_q - 1'b1;
      end
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
