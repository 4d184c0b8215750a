using SpecDecode.Descriptions;
using SpecDecode.Kernels;

namespace SpecDecode.Tests.Kernels;

/// <summary>A matrix in panels, and its rows as they were before.</summary>
internal sealed unsafe class KernelMatrix : IDisposable
{
    private readonly NativeBuffer<byte> _panels;

    /// <summary>Packs rows.</summary>
    public KernelMatrix(TensorFormat format, int inputs, MatrixRow[] rows)
    {
        Format = format;
        Inputs = inputs;
        Rows = rows;
        int panelBytes = (int)PanelLayout.PanelBytes(format, inputs);
        _panels = new NativeBuffer<byte>(checked((int)format.PanelsBytes(rows.Length, inputs)));
        float[] floats = new float[format.IsQuantized ? 0 : PanelLayout.Outputs * inputs];
        for (int first = 0; first < rows.Length; first += PanelLayout.Outputs)
        {
            int count = Math.Min(PanelLayout.Outputs, rows.Length - first);
            Span<byte> panel = _panels.Span.Slice(first / PanelLayout.Outputs * panelBytes, panelBytes);
            for (int i = 0; i < count; i++)
            {
                MatrixRow row = rows[first + i];
                if (format.IsQuantized)
                {
                    // Where an output is missing poison stays, which reaches no other.
                    PanelPacker.PackBlocks(format, i, row.Values, row.Scales, row.ZeroPoints, panel);
                }
                else
                {
                    row.Floats.CopyTo(floats, i * inputs);
                }
            }

            if (!format.IsQuantized)
            {
                PanelPacker.PackFloats(format.Precision, floats.AsSpan(0, count * inputs), inputs, panel);
            }
        }
    }

    public TensorFormat Format { get; }

    public int Inputs { get; }

    public MatrixRow[] Rows { get; }

    /// <summary>The first panel.</summary>
    public byte* Panels => _panels.Start;

    /// <summary>A matrix of any content.</summary>
    public static KernelMatrix Random(TensorFormat format, int inputs, int outputs, Random random) =>
        new(format, inputs, [.. Enumerable.Range(0, outputs).Select(_ => MatrixRow.Random(format, inputs, random))]);

    /// <summary>The same rows behind others, so that each lies at another place of its panel or in another panel.</summary>
    public KernelMatrix Behind(int others, Random random) =>
        new(Format, Inputs, [.. Enumerable.Range(0, others).Select(_ => MatrixRow.Random(Format, Inputs, random)), .. Rows]);

    /// <summary>Fails where something was written outside.</summary>
    public void Check() => _panels.Check();

    public void Dispose() => _panels.Dispose();
}
