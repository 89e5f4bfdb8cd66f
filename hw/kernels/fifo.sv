// SPDX-License-Identifier: Apache-2.0
// FIFO (FINN's StreamingFIFO): holds beats between two streams of unequal pace.
//
//   m = s, in order
//
// Streams   s_axis and m_axis: STREAM_WIDTH bits and tlast
// Capacity  DEPTH + 1 beats: DEPTH in the memory and the one on offer in its output register
// Rate      one beat a cycle in and out at any level below full
// Latency   2 cycles
// Golden    fifo.py
`default_nettype none
`include "checks.svh"

module fifo #(
    // Words of the memory, at least 2
    parameter int unsigned DEPTH = 32,
    // Width of tdata in bits
    parameter int unsigned STREAM_WIDTH = 8,
    // Memory: "distributed", "block" or "ultra"
    parameter RAM_STYLE = "distributed"
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
  `SPEC_CHECK(depth, DEPTH >= 2, ("fifo: DEPTH = %0d: at least 2", DEPTH))
  `SPEC_CHECK(width, STREAM_WIDTH >= 1 && STREAM_WIDTH % 8 == 0,
              ("fifo: STREAM_WIDTH = %0d: a positive multiple of 8", STREAM_WIDTH))
  `SPEC_CHECK(style, RAM_STYLE == "distributed" || RAM_STYLE == "block" || RAM_STYLE == "ultra",
              ("fifo: RAM_STYLE = %0s: distributed, block or ultra", RAM_STYLE))

  localparam int unsigned WORDS = DEPTH < 2 ? 2 : DEPTH;  // keeps bad parameters readable
  localparam int unsigned ADDR_WIDTH = $clog2(WORDS);
  localparam logic [ADDR_WIDTH-1:0] END = ADDR_WIDTH'(WORDS - 1);

  // Two pointers run round the memory. Where a push takes the writer to the reader there is no room,
  // where a pull takes the reader to the writer it is empty: flip-flops, so that nothing is compared
  // between a cycle's beginning and tready or the memory, and tready is one itself.
  logic [ADDR_WIDTH-1:0] waddr_q, wnext;
  logic [ADDR_WIDTH-1:0] raddr_q, rnext;
  logic room_q, some_q, push, pull;

  assign wnext         = waddr_q == END ? '0 : waddr_q + 1'b1;
  assign rnext         = raddr_q == END ? '0 : raddr_q + 1'b1;
  assign s_axis_tready = room_q;
  assign push          = s_axis_tvalid && room_q;
  assign pull          = (!m_axis_tvalid || m_axis_tready) && some_q;

  always_ff @(posedge clk) begin
    if (rst) begin
      m_axis_tvalid <= 1'b0;
      waddr_q       <= '0;
      raddr_q       <= '0;
      room_q        <= 1'b1;
      some_q        <= 1'b0;
    end else begin
      if (!m_axis_tvalid || m_axis_tready) m_axis_tvalid <= pull;
      if (push) waddr_q <= wnext;
      if (pull) raddr_q <= rnext;
      room_q <= pull || (room_q && !(push && wnext == raddr_q));
      some_q <= push || (some_q && !(pull && rnext == waddr_q));
    end
  end

  ram #(
      .DEPTH(WORDS),
      .WIDTH(STREAM_WIDTH + 1),
      .RAM_STYLE(RAM_STYLE)
  ) u_ram (
      .clk,
      .wen  (push),
      .waddr(waddr_q),
      .wdata({s_axis_tlast, s_axis_tdata}),
      .ren  (pull),
      .raddr(raddr_q),
      .rdata({m_axis_tlast, m_axis_tdata})
  );

`ifdef SAMFABRIC_WATER
  // Simulation only: beats held, and the most of them so far, for who chooses DEPTH.
  int unsigned level_q;
  int unsigned water_q  /* verilator public_flat_rd */;
  always_ff @(posedge clk) begin
    if (rst) begin
      level_q <= '0;
      water_q <= '0;
    end else begin
      level_q <= level_q + 32'(push) - 32'(m_axis_tvalid && m_axis_tready);
      if (level_q > water_q) water_q <= level_q;
    end
  end
`endif

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
