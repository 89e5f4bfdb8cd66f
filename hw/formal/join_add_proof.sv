// SPDX-License-Identifier: Apache-2.0
// Proof of join_add: the n-th beats of both streams are taken in one cycle and become the n-th beat
// out, clip((a * MA + b * MB + BIAS) >> SHIFT) lane by lane, each after as many cycles of a sink
// that is ready as there are stages. Codes are signed.
`default_nettype none

module join_add_proof #(
    parameter int unsigned PE = 1,
    parameter int unsigned IN_WIDTH = 3,
    parameter int unsigned OUT_WIDTH = 3,
    parameter int MA = 1,
    parameter int MB = 1,
    parameter int BIAS = 0,
    parameter int unsigned SHIFT = 0,
    // Cycles from beats taken to the beat out
    parameter int unsigned STAGES = 1,
    // Derived, do not set
    localparam int unsigned IN_STREAM_WIDTH = (PE * IN_WIDTH + 7) / 8 * 8,
    localparam int unsigned OUT_STREAM_WIDTH = (PE * OUT_WIDTH + 7) / 8 * 8
) (
    input wire logic                       clk,
    input wire logic                       rst,
    input wire logic [IN_STREAM_WIDTH-1:0] s_axis_a_tdata,
    input wire logic                       s_axis_a_tlast,
    input wire logic                       s_axis_a_tvalid,
    input wire logic [IN_STREAM_WIDTH-1:0] s_axis_b_tdata,
    input wire logic                       s_axis_b_tlast,
    input wire logic                       s_axis_b_tvalid,
    input wire logic                       m_axis_tready,
    input wire logic                       pick
);
  logic s_axis_a_tready, s_axis_b_tready, m_axis_tvalid, m_axis_tlast;
  logic following, ended, waiting_a, waiting_b;
  logic [OUT_STREAM_WIDTH-1:0] m_axis_tdata;
  logic [OUT_WIDTH-1:0] followed;
  logic [7:0] level, ahead, lane;

  join_add #(
      .PE(PE),
      .IN_WIDTH_A(IN_WIDTH),
      .IN_WIDTH_B(IN_WIDTH),
      .OUT_WIDTH(OUT_WIDTH),
      .MA(MA),
      .MB(MB),
      .BIAS(BIAS),
      .SHIFT(SHIFT)
  ) u_dut (
      .*
  );

  source #(
      .STREAM_WIDTH(IN_STREAM_WIDTH),
      .PATIENCE(1)
  ) u_source_a (
      .clk,
      .rst,
      .tdata(s_axis_a_tdata),
      .tlast(s_axis_a_tlast),
      .tvalid(s_axis_a_tvalid),
      .tready(s_axis_a_tready),
      .hurry(m_axis_tready && s_axis_b_tvalid),
      .waiting_q(waiting_a)
  );

  source #(
      .STREAM_WIDTH(IN_STREAM_WIDTH),
      .PATIENCE(1)
  ) u_source_b (
      .clk,
      .rst,
      .tdata(s_axis_b_tdata),
      .tlast(s_axis_b_tlast),
      .tvalid(s_axis_b_tvalid),
      .tready(s_axis_b_tready),
      .hurry(m_axis_tready && s_axis_a_tvalid),
      .waiting_q(waiting_b)
  );

  // What should come out of a sum.
  function automatic logic [OUT_WIDTH-1:0] code(input logic signed [15:0] sum);
    logic signed [15:0] shifted;
    shifted = sum >>> SHIFT;
    if (shifted > 16'sd2 ** (OUT_WIDTH - 1) - 16'sd1) shifted = 16'sd2 ** (OUT_WIDTH - 1) - 16'sd1;
    if (shifted < -(16'sd2 ** (OUT_WIDTH - 1))) shifted = -(16'sd2 ** (OUT_WIDTH - 1));
    return shifted[OUT_WIDTH-1:0];
  endfunction

  logic [PE-1:0][IN_WIDTH-1:0] a, b;
  logic [PE-1:0][OUT_WIDTH-1:0] y;
  assign a = s_axis_a_tdata[PE*IN_WIDTH-1:0];
  assign b = s_axis_b_tdata[PE*IN_WIDTH-1:0];
  for (genvar p = 0; p < PE; p++) begin : gen_code
    assign y[p] = code(16'($signed(a[p])) * 16'(MA) + 16'($signed(b[p])) * 16'(MB) + 16'(BIAS));
  end

  watch #(
      .IN(PE),
      .OUT(PE),
      .UNIT(OUT_WIDTH),
      .CAPACITY(PE * STAGES),
      .PATIENCE(STAGES)
  ) u_watch (
      .clk,
      .rst,
      .enter(s_axis_a_tvalid && s_axis_a_tready),
      .enter_data(y),
      .enter_last(s_axis_a_tlast),
      .m_tvalid(m_axis_tvalid),
      .m_tready(m_axis_tready),
      .m_tdata(m_axis_tdata[PE*OUT_WIDTH-1:0]),
      .m_tlast(m_axis_tlast),
      .pick,
      .hurry(m_axis_tready),
      .following_q(following),
      .level_q(level),
      .ahead_q(ahead),
      .unit_q(followed),
      .end_q(ended),
      .lane_q(lane)
  );

  logic started_q = 1'b0;
  always_ff @(posedge clk) started_q <= 1'b1;

  // Beats in front of a stage's.
  logic [STAGES:0][7:0] front;
  assign front[STAGES] = '0;
  for (genvar s = 0; s < STAGES; s++) begin : gen_front
    assign front[s] = front[s+1] + 8'(u_dut.valid_q[s]);
  end

  always_comb begin
    assume (started_q || rst);
    if (!rst) begin
      together :
      assert ((s_axis_a_tvalid && s_axis_a_tready) == (s_axis_b_tvalid && s_axis_b_tready));
      // What induction needs to know of the state.
      count : assert (level == front[0] * 8'(PE));
      if (following) lanes : assert (ahead % 8'(PE) == lane);
    end
  end

  for (genvar s = 0; s < STAGES - 1; s++) begin : gen_stage
    logic here;
    assign here = !rst && following && u_dut.valid_q[s] && front[s+1] * 8'(PE) + lane == ahead;
    always_comb begin
      if (here && lane == 8'(PE - 1)) last : assert (u_dut.last_q[s] == ended);
    end
    for (genvar p = 0; p < PE; p++) begin : gen_lane
      logic signed [15:0] sum;
      if (s == 0) begin : gen_products
        // Added in their own width, then widened
        assign sum = 16'($signed(
            {u_dut.gen_lane[p].gen_multiply.a_q + u_dut.gen_lane[p].gen_multiply.b_q}
        ));
      end else begin : gen_sum
        assign sum = 16'(u_dut.gen_lane[p].gen_multiply.sum_q);
      end
      always_comb begin
        if (here && lane == 8'(p)) partial : assert (code(sum) == followed);
      end
    end
  end
endmodule

`default_nettype wire
