using SpecDecode.Descriptions;

namespace SpecDecode.Kernels;

/// <summary>What a product does besides multiplying. Addresses stay valid as long as it is used.</summary>
internal unsafe struct ProductParts
{
    /// <summary>Whether rows are normalised first.</summary>
    public bool IsNormed;

    /// <summary>The norm.</summary>
    public RowNorm Norm;

    /// <summary>Added to each row's sums, as wide as the matrix's panels; null for nothing.</summary>
    public float* Bias;

    /// <summary>Whether the first half of the matrix's outputs is a gate for the second: activation(gate) · up. Both are whole panels.</summary>
    public bool IsGated;

    /// <summary>Whether there is a non-linearity.</summary>
    public bool IsActivated;

    /// <summary>The non-linearity.</summary>
    public Activation Activation;
}

/// <summary>
/// Rows times a matrix: y = f(norm(x) Wᵀ + b) + residual, with weights where they lie in memory. A row's result is a function of the row
/// alone, bit for bit: not of the rows beside it, of how many there are, of threads or of where the work is cut.
/// </summary>
internal sealed unsafe class Product
{
    // Weights of a task: enough that handing it out costs nothing beside it, little enough to stay in the second cache for later rows.
    private const long TaskBytes = 128 << 10;

    // Below so much work threads wait for each other longer than they help: a multiplication and a byte of weights count alike.
    private const long SerialWork = 64 << 10;

    // Rows that stay in the second cache beside a task's weights.
    private const long BlockBytes = 256 << 10;

    private readonly TensorFormat _format;
    private readonly ProductParts _parts;
    private readonly KernelScratch _scratch;
    private readonly int _factor;
    private readonly bool _needsFloats;
    private readonly ProductJob _job;
    private readonly TileRows _shape;

    /// <summary>Prepares a product.</summary>
    /// <param name="weights">The matrix's first panel.</param>
    /// <param name="format">How it is stored.</param>
    /// <param name="inputs">Width of a row.</param>
    /// <param name="outputs">Outputs of the matrix, those of gate and up together where there is a gate.</param>
    /// <param name="parts">What else it does.</param>
    /// <param name="activations">What rows are rounded to where weights are quantised.</param>
    /// <param name="set">The instruction set.</param>
    /// <param name="scratch">Memory while it runs.</param>
    public Product(
        byte* weights, TensorFormat format, int inputs, int outputs, ProductParts parts, ActivationPrecision activations, InstructionSet set,
        KernelScratch scratch)
    {
        _format = format;
        _parts = parts;
        _scratch = scratch;
        Inputs = inputs;
        Outputs = parts.IsGated ? outputs / 2 : outputs;
        TileKernel kernel = TileKernel.Of(format, activations, set);
        _factor = format.Precision == Precision.Int8 ? -PanelLayout.ZeroInt8 : -1;
        long blocks = format.IsQuantized ? format.Blocks(inputs) : 0;
        _shape = new TileRows
        {
            Steps = (inputs + 1) / 2,
            Blocks = (nint)blocks,
            BlockSize = format.BlockSize,
            FloatStride = format.IsQuantized ? (nint)(blocks * format.BlockSize) : (inputs + 1) / 2 * 2,
        };
        _needsFloats = parts.IsNormed || (!kernel.TakesBytes && _shape.FloatStride != inputs);
        long rowBytes = _shape.FloatStride * (kernel.TakesBytes ? sizeof(sbyte) : sizeof(float));
        nint panelBytes = (nint)PanelLayout.PanelBytes(format, inputs);
        nint panels = (nint)PanelLayout.Panels(Outputs);
        _job = new ProductJob
        {
            Kernel = kernel,
            Stretches = kernel.StepBytes > 0 ? PanelStretches.Of(kernel, activations, set) : default,
            Weights = weights,
            PanelBytes = panelBytes,
            Panels = panels,
            TaskPanels = (nint)Math.Clamp(TaskBytes / (panelBytes * (parts.IsGated ? 2 : 1)), 1, panels),
            Outputs = Outputs,
            BlockRows = kernel.StepBytes > 0 ? PanelStretches.MostRows : (int)Math.Max(BlockBytes / rowBytes / kernel.MaxRows, 1) * kernel.MaxRows,
            Bias = parts.Bias,
            IsGated = parts.IsGated,
            IsActivated = parts.IsActivated,
            Activation = parts.Activation,
        };
    }

    /// <summary>Width of a row.</summary>
    public int Inputs { get; }

    /// <summary>Width of a row of the result.</summary>
    public int Outputs { get; }

    /// <summary>Multiplies.</summary>
    /// <param name="input">Rows <c>[rows, Inputs]</c>.</param>
    /// <param name="rows">How many.</param>
    /// <param name="residual">Added to the result, <c>[rows, Outputs]</c>; null for nothing. May be the output.</param>
    /// <param name="output">Takes <c>[rows, Outputs]</c>.</param>
    /// <param name="parallel">The threads.</param>
    /// <exception cref="OutOfMemoryException">There is no memory for the rows in between.</exception>
    public void Run(float* input, int rows, float* residual, float* output, ParallelRun parallel)
    {
        if (rows == 0)
        {
            return;
        }

        ProductJob job = _job;
        job.RowCount = rows;
        job.Residual = residual;
        job.Output = output;
        job.Rows = _shape with { Floats = input };
        bool isPrepared = _needsFloats || job.Kernel.TakesBytes;
        if (isPrepared)
        {
            job.Rows.RowsOfTile = job.Kernel.TileRows(rows);
            Place(ref job.Rows, rows, job.Kernel.TakesBytes);
        }

        try
        {
            if (isPrepared)
            {
                RowsJob ready = new()
                {
                    Input = input, Inputs = Inputs, RowCount = rows, IsNormed = _parts.IsNormed, Norm = _parts.Norm,
                    TakesBytes = job.Kernel.TakesBytes, Factor = _factor, Rows = job.Rows,
                };
                parallel.Run(&RowsJob.Run, &ready, ready.Tasks);
            }

            bool isSmall = job.PanelBytes * job.Panels * (job.IsGated ? 2 : 1) + (long)rows * Inputs * Outputs <= SerialWork;
            (isSmall ? ParallelRun.Serial : parallel).Run(&ProductJob.Run, &job, job.Tasks);
        }
        finally
        {
            if (isPrepared)
            {
                _scratch.Return();
            }
        }
    }

    // Room for rows as the kernel reads them.
    private void Place(ref TileRows rows, int count, bool takesBytes)
    {
        static nuint Aligned(nuint bytes) => (bytes + 63) & ~(nuint)63;
        nuint floats = _needsFloats ? Aligned((nuint)count * (nuint)rows.FloatStride * sizeof(float)) : 0;
        nuint blocks = takesBytes ? (nuint)((count + rows.RowsOfTile - 1) / rows.RowsOfTile * rows.RowsOfTile * rows.Blocks) : 0;
        nuint bytes = Aligned(blocks * (nuint)rows.BlockSize);
        byte* memory = _scratch.Take(floats + bytes + blocks * (nuint)sizeof(RowBlock));
        rows.Floats = (float*)memory;
        rows.Bytes = (sbyte*)(memory + floats);
        rows.ByteBlocks = (RowBlock*)(memory + floats + bytes);
    }
}
