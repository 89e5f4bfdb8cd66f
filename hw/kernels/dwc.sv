// SPDX-License-Identifier: Apache-2.0
// Width converter (FINN's StreamingDataWidthConverter): as many codes, other beats.
//
//   m = s, in order; IN_LANES codes a beat become OUT_LANES
//
// Streams   s_axis: IN_LANES codes of ELEM_WIDTH bits; m_axis: OUT_LANES. A frame fills whole
//           beats on both sides, and its last input beat carries tlast
// Rate      the side with more beats has one a cycle: OUT_LANES <= IN_LANES gives a beat a cycle,
//           OUT_LANES > IN_LANES takes one a cycle
// Latency   1 cycle from the input beat that completes an output beat
// Golden    dwc.py
//
// With g the greatest common divisor of the lanes, a beat is a group of IN_LANES / g units of g
// lanes on one side and of OUT_LANES / g on the other. Both directions see a span of
// IN + OUT - 1 units, oldest first, and offer OUT of them from a position that changes by
// additions modulo IN or OUT. Ratios 1:N need no multiplexer at all, N:1 one of N inputs a bit.
`default_nettype none
`include "checks.svh"

module dwc #(
    // Codes of an input beat
    parameter int unsigned IN_LANES = 4,
    // Codes of an output beat
    parameter int unsigned OUT_LANES = 2,
    // Bits of a code, 1 to 32
    parameter int unsigned ELEM_WIDTH = 4,
    // Derived, do not set
    localparam int unsigned IN_STREAM_WIDTH = (IN_LANES * ELEM_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (OUT_LANES * ELEM_WIDTH + 7) / 8 * 8
) (
    input  wire logic                        clk,
    input  wire logic                        rst,
    // verilator lint_off UNUSEDSIGNAL
    // The upper bits fill the last byte.
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
  `SPEC_CHECK(in_lanes, IN_LANES >= 1, ("dwc: IN_LANES = %0d: at least 1", IN_LANES))
  `SPEC_CHECK(out_lanes, OUT_LANES >= 1 && OUT_LANES != IN_LANES,
              ("dwc: OUT_LANES = %0d: at least 1, other than IN_LANES = %0d", OUT_LANES, IN_LANES))
  `SPEC_CHECK(elem_width, ELEM_WIDTH >= 1 && ELEM_WIDTH <= 32,
              ("dwc: ELEM_WIDTH = %0d: 1 to 32", ELEM_WIDTH))

  function automatic int unsigned gcd(input int unsigned a, input int unsigned b);
    int unsigned x, y, rest;
    x = a;
    y = b;
    while (y != 0) begin
      rest = x % y;
      x = y;
      y = rest;
    end
    return x == 0 ? 1 : x;
  endfunction

  // Lanes that refuse to elaborate would hide the message above: 2 and 1 stand in for them.
  localparam bit GOOD = IN_LANES >= 1 && OUT_LANES >= 1 && OUT_LANES != IN_LANES;
  localparam int unsigned COMMON = GOOD ? gcd(IN_LANES, OUT_LANES) : 1;
  localparam int unsigned IN = GOOD ? IN_LANES / COMMON : 2;  // units of an input beat
  localparam int unsigned OUT = GOOD ? OUT_LANES / COMMON : 1;  // units of an output beat
  localparam int unsigned UNIT = COMMON * (ELEM_WIDTH < 1 ? 1 : ELEM_WIDTH);  // bits
  localparam int unsigned IN_WORD_WIDTH = IN * UNIT;
  localparam int unsigned OUT_WORD_WIDTH = OUT * UNIT;
  localparam int unsigned SPAN_WIDTH = IN_WORD_WIDTH + OUT_WORD_WIDTH - UNIT;
  localparam int unsigned PLACE_WIDTH = IN > 1 ? $clog2(IN) : 1;  // of IN places of a window

  // What each place offers; places of the wide direction count from the newest end. The
  // multiplexer is as wide as its index reaches, its surplus inputs repeat the last place.
  logic [SPAN_WIDTH-1:0] span;
  logic [(1<<PLACE_WIDTH)-1:0][OUT_WORD_WIDTH-1:0] window;
  for (genvar p = 0; p < 1 << PLACE_WIDTH; p++) begin : gen_window
    localparam int unsigned PLACE = p < IN ? p : IN - 1;
    localparam int unsigned FIRST = (IN > OUT ? PLACE : IN - 1 - PLACE) * UNIT;
    assign window[p] = span[FIRST+:OUT_WORD_WIDTH];
  end

  logic en;
  assign en = !m_axis_tvalid || m_axis_tready;

  if (IN > OUT) begin : gen_narrow
    // The input beat stays where it is while its windows leave one by one. What is left over when
    // it has less than an output beat goes to rest_q, and the beat is taken.
    localparam logic [PLACE_WIDTH-1:0] FIRST = PLACE_WIDTH'(OUT - 1);
    localparam logic [PLACE_WIDTH-1:0] BACK = PLACE_WIDTH'(IN - OUT);
    logic [   PLACE_WIDTH-1:0] place_q;
    logic [OUT_WORD_WIDTH-1:0] data_q;
    logic                      take;

    if (OUT > 1) begin : gen_rest
      logic [(OUT-1)*UNIT-1:0] rest_q;
      assign span = {s_axis_tdata[IN_WORD_WIDTH-1:0], rest_q};
      always_ff @(posedge clk) begin
        if (en && s_axis_tvalid && take) rest_q <= s_axis_tdata[IN_WORD_WIDTH-1-:(OUT-1)*UNIT];
      end
    end else begin : gen_even
      assign span = s_axis_tdata[IN_WORD_WIDTH-1:0];
    end

    assign take          = place_q >= BACK;
    assign s_axis_tready = en && take;
    assign m_axis_tdata  = OUT_STREAM_WIDTH'(data_q);

    always_ff @(posedge clk) begin
      if (en) begin
        data_q       <= window[place_q];
        m_axis_tlast <= take && s_axis_tlast;
      end
      if (rst) begin
        m_axis_tvalid <= 1'b0;
        place_q       <= FIRST;
      end else if (en) begin
        m_axis_tvalid <= s_axis_tvalid;
        if (s_axis_tvalid) place_q <= take ? place_q - BACK : place_q + PLACE_WIDTH'(OUT);
      end
    end
  end else begin : gen_wide
    // Beats shift in at the top; the window that is complete lies behind the units left over.
    localparam int unsigned LEFT_WIDTH = $clog2(OUT);
    localparam logic [LEFT_WIDTH-1:0] ENOUGH = LEFT_WIDTH'(OUT - IN);
    logic [SPAN_WIDTH-1:0] span_q;
    logic [LEFT_WIDTH-1:0] left_q;
    logic                  full;

    assign span          = span_q;
    assign full          = left_q >= ENOUGH;
    assign s_axis_tready = en;
    assign m_axis_tdata  = OUT_STREAM_WIDTH'(window[left_q[PLACE_WIDTH-1:0]]);

    always_ff @(posedge clk) begin
      if (en && s_axis_tvalid) begin
        span_q       <= {s_axis_tdata[IN_WORD_WIDTH-1:0], span_q[SPAN_WIDTH-1:IN_WORD_WIDTH]};
        m_axis_tlast <= s_axis_tlast;
      end
      if (rst) begin
        m_axis_tvalid <= 1'b0;
        left_q        <= '0;
      end else if (en) begin
        m_axis_tvalid <= s_axis_tvalid && full;
        if (s_axis_tvalid) left_q <= full ? left_q - ENOUGH : left_q + LEFT_WIDTH'(IN);
      end
    end
  end

  `STREAM_CHECK(m_axis)
endmodule

`default_nettype wire
