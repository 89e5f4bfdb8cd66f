// SPDX-License-Identifier: Apache-2.0
// Proof of dwc: the n-th code in is the n-th code out, for frames that fill whole beats on both
// sides. A beat counts as inside from when it is on offer where several leave before it is taken.
`default_nettype none

module dwc_proof #(
    parameter int unsigned IN_LANES = 3,
    parameter int unsigned OUT_LANES = 2,
    parameter int unsigned ELEM_WIDTH = 4,
    // Greatest common divisor of the lanes
    parameter int unsigned COMMON = 1,
    // Derived, do not set
    localparam int unsigned IN_WORD_WIDTH = IN_LANES * ELEM_WIDTH,
    localparam int unsigned OUT_WORD_WIDTH = OUT_LANES * ELEM_WIDTH,
    localparam int unsigned IN_STREAM_WIDTH = (IN_WORD_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (OUT_WORD_WIDTH + 7) / 8 * 8
) (
    input wire logic                       clk,
    input wire logic                       rst,
    input wire logic [IN_STREAM_WIDTH-1:0] s_axis_tdata,
    input wire logic                       s_axis_tlast,
    input wire logic                       s_axis_tvalid,
    input wire logic                       m_axis_tready,
    input wire logic                       pick
);
  localparam bit NARROW = IN_LANES > OUT_LANES;
  localparam logic [7:0] IN = 8'(IN_LANES);
  localparam logic [7:0] OUT = 8'(OUT_LANES);
  localparam int unsigned CAPACITY = NARROW ? IN_LANES + 2 * OUT_LANES : IN_LANES + OUT_LANES;
  localparam int unsigned PATIENCE = IN_LANES / OUT_LANES + OUT_LANES / IN_LANES + 3;

  logic s_axis_tready, m_axis_tvalid, m_axis_tlast, following, ended, waiting, enter;
  logic [OUT_STREAM_WIDTH-1:0] m_axis_tdata;
  logic [ELEM_WIDTH-1:0] followed;
  logic [7:0] level, ahead, lane;

  dwc #(
      .IN_LANES  (IN_LANES),
      .OUT_LANES (OUT_LANES),
      .ELEM_WIDTH(ELEM_WIDTH)
  ) u_dut (
      .*
  );

  source #(
      .STREAM_WIDTH(IN_STREAM_WIDTH),
      .PATIENCE(NARROW ? PATIENCE : 1)
  ) u_source (
      .clk,
      .rst,
      .tdata(s_axis_tdata),
      .tlast(s_axis_tlast),
      .tvalid(s_axis_tvalid),
      .tready(s_axis_tready),
      .hurry(m_axis_tready),
      .waiting_q(waiting)
  );

  assign enter = NARROW ? s_axis_tvalid && !waiting : s_axis_tvalid && s_axis_tready;

  watch #(
      .IN(IN_LANES),
      .OUT(OUT_LANES),
      .UNIT(ELEM_WIDTH),
      .CAPACITY(CAPACITY),
      .PATIENCE(PATIENCE)
  ) u_watch (
      .clk,
      .rst,
      .enter,
      .enter_data(s_axis_tdata[IN_WORD_WIDTH-1:0]),
      .enter_last(s_axis_tlast),
      .m_tvalid(m_axis_tvalid),
      .m_tready(m_axis_tready),
      .m_tdata(m_axis_tdata[OUT_WORD_WIDTH-1:0]),
      .m_tlast(m_axis_tlast),
      .pick,
      // Codes may wait for others that fill their beat.
      .hurry(m_axis_tready && s_axis_tvalid),
      .following_q(following),
      .level_q(level),
      .ahead_q(ahead),
      .unit_q(followed),
      .end_q(ended),
      .lane_q(lane)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk) started_q <= 1'b1;

  // Codes of the frame that has entered, modulo those of an output beat.
  logic [7:0] phase_q, phase;
  assign phase = (phase_q + IN) % OUT;
  always_ff @(posedge clk) begin
    if (rst) phase_q <= '0;
    else if (enter) phase_q <= s_axis_tlast ? '0 : phase;
  end

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      if (s_axis_tvalid && s_axis_tlast && enter) assume (phase == '0);
      padding : assert (OUT_STREAM_WIDTH == OUT_WORD_WIDTH || m_axis_tdata >> OUT_WORD_WIDTH == '0);
    end
  end

  // What induction needs to know of the state: how many codes are where, and the followed one's
  // place, counted from the oldest of the span on which the windows lie.
  localparam logic [7:0] UNIT = 8'(COMMON);
  logic [7:0] offered, newest, index;
  assign offered = m_axis_tvalid ? OUT : '0;
  assign newest  = level - ahead - 8'd1;  // codes that entered after it

  if (NARROW) begin : gen_narrow
    logic [7:0] place;
    assign place = 8'(u_dut.gen_narrow.place_q) * UNIT;
    assign index = ahead - offered + place;
    always_comb begin
      if (!rst) begin
        range : assert (place <= IN - UNIT);
        count : assert (level + place == offered + (waiting ? IN : '0) + OUT - UNIT);
        if (waiting && s_axis_tlast) aligned : assert (phase_q == '0);
        if (!waiting) kept : assert (place <= OUT - UNIT);
        frame : assert ((OUT - UNIT + OUT + (waiting ? IN : '0) - place) % OUT == phase_q);
        if (following) begin
          lanes : assert (newest % IN == IN - 8'd1 - lane);
          if (ahead >= offered && index >= OUT - UNIT) begin
            on_offer :
            assert (waiting && index < OUT - UNIT + IN && lane == index - (OUT - UNIT) &&
                    s_axis_tdata[lane*ELEM_WIDTH+:ELEM_WIDTH] == followed &&
                    ended == (s_axis_tlast && lane == IN - 8'd1));
          end
          if (ahead >= offered && index < OUT - UNIT) inner : assert (!ended);
        end
      end
    end
    if (OUT_LANES > COMMON) begin : gen_rest
      always_comb begin
        if (!rst && following && ahead >= offered && index < OUT - UNIT) begin
          rest :
          assert (u_dut.gen_narrow.gen_rest.rest_q[index*ELEM_WIDTH+:ELEM_WIDTH] == followed);
        end
      end
    end
  end else begin : gen_wide
    logic [7:0] left;
    assign left  = 8'(u_dut.gen_wide.left_q) * UNIT;
    assign index = IN + OUT - UNIT - level + ahead;
    always_comb begin
      if (!rst) begin
        range : assert (left <= OUT - UNIT && (!m_axis_tvalid || left <= IN - UNIT));
        count : assert (level == offered + left);
        frame : assert (left == phase_q);
        if (m_axis_tvalid && m_axis_tlast) last : assert (left == '0);
        if (following) begin
          lanes : assert (newest % IN == IN - 8'd1 - lane);
          if (ended) complete : assert (m_axis_tvalid && m_axis_tlast && ahead == OUT - 8'd1);
          stored :
          assert (index < IN + OUT - UNIT &&
                  u_dut.gen_wide.span_q[index*ELEM_WIDTH+:ELEM_WIDTH] == followed);
        end
      end
    end
  end
endmodule

`default_nettype wire
