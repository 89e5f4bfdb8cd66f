// SPDX-License-Identifier: Apache-2.0
// Proof of mover_arbiter: one end is granted where any asks, none that does not ask, and an end that
// keeps asking is served within ENDS grants that are taken.
`default_nettype none

module mover_arbiter_proof #(
    parameter int unsigned ENDS = 4
) (
    input wire logic            clk,
    input wire logic            rst,
    input wire logic [ENDS-1:0] i_asking,
    input wire logic            i_take,
    // The end that is followed
    input wire logic [     7:0] pick
);
  logic [ENDS-1:0] o_grant;

  mover_arbiter #(.ENDS(ENDS)) u_dut (.*);

  // Grants taken by others since the followed end began to ask.
  logic [7:0] pick_q, others_q, lowest, ahead;
  logic started_q = 1'b0;
  logic asks, served, taken;

  assign asks   = i_asking[pick_q];
  assign served = i_take && o_grant[pick_q];
  assign taken  = i_take && |o_grant;

  always_ff @(posedge clk) begin
    started_q <= 1'b1;
    pick_q    <= started_q ? pick_q : pick;
    if (rst || !asks || served) others_q <= '0;
    else if (taken) others_q <= others_q + 8'd1;
  end

  // What induction needs to know of the state: the ends after the last one served are the upper
  // ones, and as many are before the followed one in the ring as can still be served.
  always_comb begin
    lowest = '0;
    for (int unsigned e = 0; e < ENDS; e++) lowest += 8'(!u_dut.after_q[e]);
    ahead = u_dut.after_q[pick_q] ? pick_q - lowest : pick_q + 8'(ENDS) - lowest;
  end

  always_comb begin
    assume (started_q || rst);
    assume (pick_q < 8'(ENDS));
    assume (started_q || pick < 8'(ENDS));
    if (!rst) begin
      one : assert ((o_grant & (o_grant - ENDS'(1))) == '0);
      asked : assert ((o_grant & ~i_asking) == '0);
      work : assert (|o_grant == |i_asking);
      upper : assert ((~u_dut.after_q & (~u_dut.after_q + ENDS'(1))) == '0);
      turn : assert (ahead < 8'(ENDS) && others_q + ahead < 8'(ENDS));
      fair : assert (others_q < 8'(ENDS));
    end
  end
endmodule

`default_nettype wire
