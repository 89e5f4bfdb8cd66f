// SPDX-License-Identifier: Apache-2.0
// What every proof of the plumbing states of one path through a kernel, for all time.
//
// Order     an arbitrary unit (a lane of an arbitrary beat) is followed: as many units as were
//           inside when it entered leave before it, then it leaves as it was, exactly then
// Frames    a beat that leaves carries tlast if and only if its top unit is the top one of a beat
//           that entered with tlast
// Count     no more leaves than entered; no more is inside than CAPACITY units
// Handshake a waiting beat stays as it is
// Progress  the followed unit leaves after at most PATIENCE cycles in a row in which `hurry` holds
//
// Inputs that drive nothing in the kernel (`pick`) are the solver's choice.
`default_nettype none

module watch #(
    // Units of an entering beat and of a leaving one
    parameter int unsigned IN = 1,
    parameter int unsigned OUT = 1,
    // Bits of a unit
    parameter int unsigned UNIT = 8,
    // Units that may be inside
    parameter int unsigned CAPACITY = 2,
    // Cycles
    parameter int unsigned PATIENCE = 2,
    // Derived, do not set
    localparam int unsigned COUNT = 8
) (
    input  wire logic                clk,
    input  wire logic                rst,
    // A beat enters in this cycle
    input  wire logic                enter,
    input  wire logic [ IN*UNIT-1:0] enter_data,
    input  wire logic                enter_last,
    input  wire logic                m_tvalid,
    input  wire logic                m_tready,
    input  wire logic [OUT*UNIT-1:0] m_tdata,
    input  wire logic                m_tlast,
    // Follow a unit of this beat
    input  wire logic                pick,
    // Nothing outside holds the unit up
    input  wire logic                hurry,
    output logic                     following_q,
    // Units inside, and those in front of the followed one
    output logic      [   COUNT-1:0] level_q,
    output logic      [   COUNT-1:0] ahead_q,
    output logic      [    UNIT-1:0] unit_q,
    output logic                     end_q,
    // The followed unit's lane in the beat with which it entered: any, but always the same one
    output logic      [   COUNT-1:0] lane_q
);
  logic fire, held_q, held_last_q;
  logic [OUT*UNIT-1:0] held_data_q;
  logic [COUNT-1:0] left, patience_q;

  assign fire = m_tvalid && m_tready;
  assign left = fire ? COUNT'(OUT) : '0;

  always_ff @(posedge clk) begin
    lane_q <= lane_q;
    held_data_q <= m_tdata;
    held_last_q <= m_tlast;
    if (enter && pick && !following_q) begin
      unit_q  <= enter_data[lane_q*UNIT+:UNIT];
      end_q   <= enter_last && lane_q == COUNT'(IN - 1);
      ahead_q <= level_q - left + lane_q;
    end else ahead_q <= ahead_q - left;
    if (rst) begin
      following_q <= 1'b0;
      level_q <= '0;
      patience_q <= '0;
      held_q <= 1'b0;
    end else begin
      level_q <= level_q + (enter ? COUNT'(IN) : '0) - left;
      held_q  <= m_tvalid && !m_tready;
      if (!following_q) following_q <= enter && pick;
      else if (fire && ahead_q < COUNT'(OUT)) following_q <= 1'b0;
      patience_q <= following_q && hurry ? patience_q + 1'b1 : '0;
    end
  end

  always_comb begin
    assume (lane_q < COUNT'(IN));
    if (!rst) begin
      order_capacity : assert (level_q <= COUNT'(CAPACITY));
      if (m_tvalid) nothing_invented : assert (level_q >= COUNT'(OUT));
      if (held_q) begin
        waiting_valid : assert (m_tvalid);
        waiting_data : assert (m_tdata == held_data_q && m_tlast == held_last_q);
      end
      if (following_q) begin
        nothing_lost : assert (ahead_q < level_q);
        progress : assert (patience_q < COUNT'(PATIENCE));
        if (m_tvalid && ahead_q < COUNT'(OUT)) begin
          unaltered : assert (m_tdata[ahead_q*UNIT+:UNIT] == unit_q);
          if (ahead_q == COUNT'(OUT - 1)) frame_end : assert (m_tlast == end_q);
        end
      end
    end
  end
endmodule

`default_nettype wire
