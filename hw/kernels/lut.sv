// SPDX-License-Identifier: Apache-2.0
// Table look-up: any function of one code, such as GELU, sigmoid or a change of scale.
//
//   m = table[s], the index being the code's bits (two's complement where it is signed)
//
// Streams   s_axis: PE codes of IN_WIDTH bits and tlast; m_axis: PE codes of OUT_WIDTH bits and
//           tlast
// Rate      one beat a cycle
// Latency   1 cycle
// Golden    lut.py
`default_nettype none
`include "checks.svh"

module lut #(
    // Bits of a code in
    parameter int unsigned IN_WIDTH = 8,
    // Bits of a code out
    parameter int unsigned OUT_WIDTH = 8,
    // Codes a beat, each with a table of its own
    parameter int unsigned PE = 1,
    // Tables: "distributed", or "block", where two lanes share a block RAM's two ports
    parameter RAM_STYLE = "distributed",
    // 2**IN_WIDTH words of OUT_WIDTH bits in $readmemh's format
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned IN_STREAM_WIDTH = (PE * IN_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (PE * OUT_WIDTH + 7) / 8 * 8
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    // Its padding is not looked at.
    // verilator lint_off UNUSEDSIGNAL
    input  wire logic [ IN_STREAM_WIDTH-1:0] s_axis_tdata,
    // verilator lint_on UNUSEDSIGNAL
    input  wire logic                        s_axis_tlast,
    input  wire logic                        s_axis_tvalid,
    output logic                             s_axis_tready,
    output logic      [OUT_STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                             m_axis_tlast,
    output logic                             m_axis_tvalid,
    input  wire logic                        m_axis_tready
);
  `SPEC_CHECK(in, IN_WIDTH >= 1 && IN_WIDTH <= 8, ("lut: IN_WIDTH = %0d: 1..8", IN_WIDTH))
  `SPEC_CHECK(out, OUT_WIDTH >= 1 && OUT_WIDTH <= 32, ("lut: OUT_WIDTH = %0d: 1..32", OUT_WIDTH))
  `SPEC_CHECK(pe, PE >= 1, ("lut: PE = %0d: at least 1", PE))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block",
              ("lut: RAM_STYLE = %0s: distributed or block", RAM_STYLE))

  localparam int unsigned DEPTH = 1 << IN_WIDTH;
  // Lanes that go in pairs; of an odd number the last has a block RAM of its own.
  localparam int unsigned PAIRED = RAM_STYLE == "block" ? PE / 2 * 2 : 0;

  logic en;
  logic [PE*OUT_WIDTH-1:0] found;

  assign en            = !m_axis_tvalid || m_axis_tready;
  assign s_axis_tready = en;
  assign m_axis_tdata  = OUT_STREAM_WIDTH'(found);

  for (genvar p = 0; p < PAIRED; p += 2) begin : gen_pair
    rom_dual #(
        .DEPTH(DEPTH),
        .WIDTH(OUT_WIDTH),
        .INIT_FILE(INIT_FILE)
    ) u_table (
        .clk,
        .en,
        .clear_a(1'b0),
        .clear_b(1'b0),
        .addr_a (s_axis_tdata[p*IN_WIDTH+:IN_WIDTH]),
        .addr_b (s_axis_tdata[(p+1)*IN_WIDTH+:IN_WIDTH]),
        .data_a (found[p*OUT_WIDTH+:OUT_WIDTH]),
        .data_b (found[(p+1)*OUT_WIDTH+:OUT_WIDTH])
    );
  end

  for (genvar p = PAIRED; p < PE; p++) begin : gen_single
    rom #(
        .DEPTH(DEPTH),
        .WIDTH(OUT_WIDTH),
        .INIT_FILE(INIT_FILE),
        .RAM_STYLE(RAM_STYLE)
    ) u_table (
        .clk,
        .en,
        .addr(s_axis_tdata[p*IN_WIDTH+:IN_WIDTH]),
        .data(found[p*OUT_WIDTH+:OUT_WIDTH])
    );
  end

  always_ff @(posedge clk) begin
    if (en) m_axis_tlast <= s_axis_tlast;
    if (rst) m_axis_tvalid <= 1'b0;
    else if (en) m_axis_tvalid <= s_axis_tvalid;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
