"use strict";
/* Runs before plotly.js, which makes a canvas while it loads, draws the signs and labels of
   three-dimensional charts on it and reads them back. A browser that is told so keeps the canvas
   where reading is quick, and has nothing to say about it on the console. */
{
  const context = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function getContext(kind, options) {
    const told = kind === "2d" ? { willReadFrequently: true, ...options } : options;
    return context.call(this, kind, told);
  };
}
