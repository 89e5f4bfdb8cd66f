// SPDX-License-Identifier: Apache-2.0
// ROM with two read ports on one block RAM: a table that two lanes look up at once.
//
//   data_x(t + 1) = clear_x(t) ? 0 : mem[addr_x(t)] where en(t), else data_x(t), for both ports x
`default_nettype none

module rom_dual #(
    // Words
    parameter int unsigned DEPTH = 16,
    // Bits of a word
    parameter int unsigned WIDTH = 8,
    // Contents in $readmemh's format, one word a line; "" leaves them undefined
    parameter INIT_FILE = "",
    // Derived, do not set
    localparam int unsigned ADDR_WIDTH = DEPTH > 1 ? $clog2(DEPTH) : 1
) (
    input  wire logic                  clk,
    input  wire logic                  en,
    input  wire logic                  clear_a,
    input  wire logic                  clear_b,
    input  wire logic [ADDR_WIDTH-1:0] addr_a,
    input  wire logic [ADDR_WIDTH-1:0] addr_b,
    output logic      [     WIDTH-1:0] data_a,
    output logic      [     WIDTH-1:0] data_b
);
  (* rom_style = "block", ram_style = "block" *)
  logic [WIDTH-1:0] mem[DEPTH];
  initial if (INIT_FILE != "") $readmemh(INIT_FILE, mem);

  always_ff @(posedge clk) begin
    if (en) begin
      data_a <= clear_a ? '0 : mem[addr_a];
      data_b <= clear_b ? '0 : mem[addr_b];
    end
  end
endmodule

`default_nettype wire
