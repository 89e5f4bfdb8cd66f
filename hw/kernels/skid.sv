// SPDX-License-Identifier: Apache-2.0
// Skid buffer: registers both directions of a handshake, so that no path runs through it.
//
//   m = s, in order
//
// Streams   s_axis and m_axis: STREAM_WIDTH bits and tlast
// Rate      one beat a cycle
// Latency   1 cycle
// Golden    skid.py
`default_nettype none
`include "checks.svh"

module skid #(
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8
) (
    input  wire logic                    clk,
    input  wire logic                    rst,
    input  wire logic [STREAM_WIDTH-1:0] s_axis_tdata,
    input  wire logic                    s_axis_tlast,
    input  wire logic                    s_axis_tvalid,
    output logic                         s_axis_tready,
    output logic      [STREAM_WIDTH-1:0] m_axis_tdata,
    output logic                         m_axis_tlast,
    output logic                         m_axis_tvalid,
    input  wire logic                    m_axis_tready
);
  `SPEC_CHECK(width, STREAM_WIDTH >= 1 && STREAM_WIDTH % 8 == 0,
              ("skid: STREAM_WIDTH = %0d: a positive multiple of 8", STREAM_WIDTH))

  // The beat that arrived in the cycle in which the output stalled.
  logic [STREAM_WIDTH:0] spare_q;
  logic                  full_q;

  assign s_axis_tready = !full_q;

  always_ff @(posedge clk) begin
    if (!m_axis_tvalid || m_axis_tready) begin
      {m_axis_tlast, m_axis_tdata} <= full_q ? spare_q : {s_axis_tlast, s_axis_tdata};
    end
    if (!full_q) spare_q <= {s_axis_tlast, s_axis_tdata};
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      full_q        <= 1'b0;
    end else begin
      if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= full_q || s_axis_tvalid;
      full_q <= m_axis_tvalid && !m_axis_tready && (full_q || s_axis_tvalid);
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
