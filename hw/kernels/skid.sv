// SPDX-License-Identifier: Apache-2.0
// Skid buffer: registers tready, and with REGISTER_FORWARD the other direction of the handshake too,
// so that no path runs through it.
//
//   m = s, in order
//
// Streams   s_axis and m_axis: STREAM_WIDTH bits and tlast
// Rate      one beat a cycle
// Latency   1 cycle; without REGISTER_FORWARD none
// Golden    skid.py
//
// Without REGISTER_FORWARD it takes half the flip-flops: tdata and tvalid pass a multiplexer, and
// only what arrives in the cycle in which the reader stalls is kept.
`default_nettype none
`include "checks.svh"

module skid #(
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8,
    // Also registers tdata, tlast and tvalid
    parameter bit REGISTER_FORWARD = 1'b1
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

  // The beat that arrived in the cycle in which the output stalled. tready is the flip-flop itself,
  // since chains of it begin here.
  logic [STREAM_WIDTH:0] spare_q, beat;
  logic room_q, some;

  assign s_axis_tready = room_q;
  assign beat          = room_q ? {s_axis_tlast, s_axis_tdata} : spare_q;
  assign some          = !room_q || s_axis_tvalid;

  always_ff @(posedge clk) begin
    if (room_q) spare_q <= {s_axis_tlast, s_axis_tdata};
    if (rst) room_q <= 1'b1;
    else room_q <= !m_axis_tvalid || m_axis_tready || !some;
  end

  if (REGISTER_FORWARD) begin : gen_register
    always_ff @(posedge clk) begin
      if (!m_axis_tvalid || m_axis_tready) {m_axis_tlast, m_axis_tdata} <= beat;
      if (rst) m_axis_tvalid <= 1'b0;
      else if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= some;
    end
  end else begin : gen_pass
    assign {m_axis_tlast, m_axis_tdata} = beat;
    assign m_axis_tvalid                = some;
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
