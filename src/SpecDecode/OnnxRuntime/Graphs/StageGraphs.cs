using SpecDecode.Descriptions;
using SpecDecode.Kernels;
using SpecDecode.OnnxRuntime.Operators;
using SpecDecode.Plans;
using SpecDecode.Weights;

namespace SpecDecode.OnnxRuntime.Graphs;

/// <summary>
/// The graphs of the stages. Each part (embedding, projections, attention, MLP, head) is written once, over a builder, so
/// that it can stand alone as a stage or be one stretch of a larger graph.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="weights">Its weights.</param>
/// <param name="products">Takes the products of weights that lie in panels.</param>
/// <param name="computesInType">Whether nodes compute in the model's element type; else in float32.</param>
internal sealed class StageGraphs(DecoderDescription model, PreparedWeights weights, ProductSet products, bool computesInType = false)
{
    /// <summary>
    /// Whether operators of this library do all that the blocks compute, attention aside: to them each row is by itself (<see cref="ProductOperator"/>), and nobody needs to
    /// ask how others treat it.
    /// </summary>
    public bool BlocksAreOwn()
    {
        if (!weights.IsInPanels)
        {
            return false;
        }

        // Products that nobody runs.
        using ProductSet passing = new(weights, InstructionSets.Current);
        foreach (LayerDescription layer in model.Layers)
        {
            GraphBuilder graph = new(weights, passing, model.ElementType, computesInType);
            string residual = Residual(graph);
            AttentionIn(graph, residual, layer.Attention);
            AttentionOut(graph, graph.Input(StageNames.Attended, "rows", layer.Attention.Output.Inputs), layer.Attention, residual);
            Mlp(graph, residual, layer.Mlp, residual);
            if (!graph.IsOwn)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The same of the head.</summary>
    public bool HeadIsOwn()
    {
        if (!weights.IsInPanels)
        {
            return false;
        }

        using ProductSet passing = new(weights, InstructionSets.Current);
        GraphBuilder graph = new(weights, passing, model.ElementType, computesInType);
        Head(graph, Residual(graph));
        return graph.IsOwn;
    }

    /// <summary>residual <c>[rows, d]</c> → packed queries, keys and values <c>[rows, (Hq + 2 Hkv) · D]</c>.</summary>
    public byte[] AttentionIn(AttentionDescription attention)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        graph.Output(AttentionIn(graph, residual, attention), StageNames.Output, "rows", attention.QueryKeyValue.Outputs);
        return graph.Build();
    }

    /// <summary>Packed rows of all sequences → attended rows <c>[rows, Hq · D]</c>; their keys and values go into their pages.</summary>
    /// <param name="attend">The layer's attention.</param>
    /// <param name="number">Its kernel, as a number in the <see cref="KernelTable{TKernel}"/>.</param>
    /// <param name="sequences">Most sequences.</param>
    /// <param name="pages">Most pages of a sequence.</param>
    /// <param name="positions">Positions of the rotary table; null for none.</param>
    public byte[] Attend(AttendDescription attend, long number, int sequences, int pages, int? positions)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        List<string> inputs =
        [
            graph.Input(StageNames.QueryKeyValue, "rows", attend.PackedWidth),
            graph.IntegerInput(StageNames.FirstRows, sequences + 1),
            graph.IntegerInput(StageNames.Past, sequences),
            graph.IntegerInput(StageNames.Pages, sequences, pages),
            graph.IntegerInput(StageNames.Layer, 1),
        ];
        if (positions is { } count)
        {
            inputs.Add(graph.FloatInput(StageNames.Cosines, count, attend.HeadSize / 2));
            inputs.Add(graph.FloatInput(StageNames.Sines, count, attend.HeadSize / 2));
            inputs.Add(graph.IntegerInput(StageNames.RotaryStarts, sequences));
        }

        graph.Output(graph.Attend(number, [.. inputs]), StageNames.Output, "rows", attend.OutputWidth);
        return graph.Build();
    }

    /// <summary>Packed rows of one sequence <c>[1, rows, (Hq + 2 Hkv) · D]</c> → attended rows <c>[1, rows, Hq · D]</c>; their keys and values go behind those of the sequence.</summary>
    /// <param name="attend">The layer's attention.</param>
    /// <param name="positions">Positions of a sequence's keys and values.</param>
    public byte[] AttendOne(AttendDescription attend, int positions)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        object[] cache = [1, attend.KeyValueHeads, positions, attend.HeadSize];
        List<string> inputs =
        [
            graph.Input(StageNames.QueryKeyValue, 1, "rows", attend.PackedWidth),
            graph.Input(StageNames.Keys, cache),
            graph.Input(StageNames.Values, cache),
            graph.IntegerInput(StageNames.LengthLessOne, 1),
            graph.IntegerInput(StageNames.Length, 1),
        ];
        if (attend.Rotary is not null)
        {
            inputs.Add(graph.Input(StageNames.Cosines, "positions", attend.HeadSize / 2));
            inputs.Add(graph.Input(StageNames.Sines, "positions", attend.HeadSize / 2));
        }

        (string attended, string keys, string values) = graph.GroupQueryAttention(attend, [.. inputs]);
        graph.Output(attended, StageNames.Output, 1, "rows", attend.OutputWidth);
        graph.Output(keys, StageNames.NewKeys, cache);
        graph.Output(values, StageNames.NewValues, cache);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c>, attended rows <c>[rows, Hq · D]</c> → residual.</summary>
    public byte[] AttentionOut(AttentionDescription attention)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        string attended = graph.Input(StageNames.Attended, "rows", attention.Output.Inputs);
        graph.Output(AttentionOut(graph, attended, attention, residual), StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c>, and where the layer is parallel what its MLP reads, <c>[rows, d]</c> → residual.</summary>
    public byte[] Mlp(LayerDescription layer)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        string input = layer.IsParallel ? graph.Input(StageNames.LayerInput, "rows", model.HiddenSize) : residual;
        graph.Output(Mlp(graph, input, layer.Mlp, residual), StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → residual, through several blocks, attention among them. What one stage would hand on to the next is rounded alike.</summary>
    /// <param name="blocks">The blocks; an MLP of a parallel layer is none of them.</param>
    /// <param name="kinds">The kinds of attention among them: each with its kernel's number and the positions of its rotary table, or null.</param>
    /// <param name="sequences">Most sequences.</param>
    /// <param name="pages">Most pages of a sequence.</param>
    public byte[] Segment(ReadOnlySpan<Block> blocks, IReadOnlyList<(AttendDescription Attend, long Number, int? Positions)> kinds, int sequences, int pages)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        string[] tables = kinds.Count == 0 ? [] :
        [
            graph.IntegerInput(StageNames.FirstRows, sequences + 1),
            graph.IntegerInput(StageNames.Past, sequences),
            graph.IntegerInput(StageNames.Pages, sequences, pages),
        ];
        Dictionary<AttendDescription, (long Number, string[] Rotary)> attends = [];
        for (int i = 0; i < kinds.Count; i++)
        {
            (AttendDescription attend, long number, int? positions) = kinds[i];
            attends.Add(attend, (number, positions is not { } count ? [] :
            [
                graph.FloatInput(StageNames.Of(StageNames.Cosines, i), count, attend.HeadSize / 2),
                graph.FloatInput(StageNames.Of(StageNames.Sines, i), count, attend.HeadSize / 2),
                graph.IntegerInput(StageNames.Of(StageNames.RotaryStarts, i), sequences),
            ]));
        }

        residual = Blocks(graph, residual, blocks, (packed, layer) =>
        {
            (long number, string[] rotary) = attends[model.Layers[layer].Attention.Attend];
            return graph.Attend(number, [packed, .. tables, graph.IntegerConstant(layer), .. rotary]);
        });
        graph.Output(residual, StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>
    /// residual <c>[rows, d]</c> → residual, through several blocks, for rows of one sequence, whose keys and values lie as in <see cref="AttendOne"/>; each layer's are inputs and
    /// outputs of their own.
    /// </summary>
    /// <param name="blocks">The blocks; an MLP of a parallel layer is none of them.</param>
    /// <param name="kinds">The kinds of attention among them.</param>
    /// <param name="positions">Positions of a sequence's keys and values.</param>
    /// <param name="hasCompanions">Whether a row may come behind those of the pass, which is a copy of the last and attends to nothing: what the last attended to is its own too.</param>
    public byte[] SegmentOfOne(ReadOnlySpan<Block> blocks, IReadOnlyList<AttendDescription> kinds, int positions, bool hasCompanions)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        string[] lengths = kinds.Count == 0 ? [] : [graph.IntegerInput(StageNames.LengthLessOne, 1), graph.IntegerInput(StageNames.Length, 1)];
        (string Rows, string All)? counts = kinds.Count == 0 || !hasCompanions ? null
            : (graph.IntegerInput(StageNames.Rows, 1), graph.IntegerInput(StageNames.RowsToRun, 1));
        Dictionary<AttendDescription, string[]> rotary = [];
        for (int i = 0; i < kinds.Count; i++)
        {
            string length = StageNames.Of("positions", i);
            rotary.Add(kinds[i], kinds[i].Rotary is null ? [] :
            [
                graph.Input(StageNames.Of(StageNames.Cosines, i), length, kinds[i].HeadSize / 2),
                graph.Input(StageNames.Of(StageNames.Sines, i), length, kinds[i].HeadSize / 2),
            ]);
        }

        residual = Blocks(graph, residual, blocks, (packed, layer) =>
        {
            AttendDescription attend = model.Layers[layer].Attention.Attend;
            object[] cache = [1, attend.KeyValueHeads, positions, attend.HeadSize];
            string own = counts is { Rows: { } rows } ? graph.FirstRows(packed, rows) : packed;
            (string attended, string keys, string values) = graph.GroupQueryAttention(
                attend,
                [
                    graph.Batch(own, attend.PackedWidth), graph.Input(StageNames.Of(StageNames.Keys, layer), cache), graph.Input(StageNames.Of(StageNames.Values, layer), cache),
                    .. lengths, .. rotary[attend],
                ]);
            graph.Output(keys, StageNames.Of(StageNames.NewKeys, layer), cache);
            graph.Output(values, StageNames.Of(StageNames.NewValues, layer), cache);
            attended = graph.Rows(attended, attend.OutputWidth);
            return counts is { All: { } all } ? graph.FirstRows(graph.WithLastTwice(attended), all) : attended;
        });
        graph.Output(residual, StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → logits <c>[rows, V]</c>.</summary>
    public byte[] Head()
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        graph.Output(Head(graph, Residual(graph)), StageNames.Output, "rows", model.VocabularySize);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → logits <c>[rows, V]</c>, and of each row the greedy choice and its probability, float32 <c>[rows, 2]</c>.</summary>
    public byte[] ChoosingHead()
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string logits = graph.HandedOn(Head(graph, Residual(graph)));
        string choices = graph.Choose(logits, model.VocabularySize);
        graph.Output(logits, StageNames.Output, "rows", model.VocabularySize);
        graph.FloatOutput(choices, StageNames.Choices, "rows", 2);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → logits of some tokens or all, <c>[rows, tokens]</c>, for drafts.</summary>
    /// <param name="product">Final norm and those outputs of the head, as a number in the <see cref="KernelTable{TKernel}"/>.</param>
    /// <param name="tokens">How many.</param>
    public byte[] DraftHead(long product, int tokens)
    {
        GraphBuilder graph = new(weights, products, model.ElementType, computesInType);
        string residual = Residual(graph);
        graph.Output(graph.SoftCap(graph.Product(product, residual), model.LogitSoftCap), StageNames.Output, "rows", tokens);
        return graph.Build();
    }

    /// <summary>residual <c>[rows, d]</c> → residual <c>[rows, d]</c> times a scale for each channel, plus products of it.</summary>
    /// <param name="scale">The scale, <c>[d]</c>.</param>
    /// <param name="matrices">The products, one behind the other, as numbers in the <see cref="KernelTable{TKernel}"/>; the last adds the scaled residual.</param>
    public byte[] Bridge(ReadOnlySpan<float> scale, params ReadOnlySpan<long> matrices)
    {
        GraphBuilder graph = new(weights, products, model.ElementType);
        string residual = Residual(graph);
        string scaled = graph.Multiply(residual, graph.Numbers(scale));
        string x = residual;
        for (int i = 0; i < matrices.Length; i++)
        {
            x = graph.Product(matrices[i], i == matrices.Length - 1 ? [x, scaled] : [x]);
        }

        graph.Output(x, StageNames.Output, "rows", model.HiddenSize);
        return graph.Build();
    }

    /// <summary>Norm and packed projection of an attention block, and the norms of its queries and keys.</summary>
    public static string AttentionIn(GraphBuilder graph, string residual, AttentionDescription attention) =>
        graph.NormQueriesAndKeys(
            graph.Linear(residual, attention.QueryKeyValue, attention.InputNorm), attention.Attend, attention.QueryKeyNorm);

    /// <summary>Output projection of an attention block, added to the residual.</summary>
    public static string AttentionOut(GraphBuilder graph, string attended, AttentionDescription attention, string residual) =>
        AddedTo(graph, residual, attended, attention.Output, attention.OutputNorm);

    /// <summary>A whole MLP block, added to the residual.</summary>
    public static string Mlp(GraphBuilder graph, string input, MlpDescription mlp, string residual)
    {
        string inner = graph.Linear(input, mlp.GateUp, mlp.InputNorm, activation: mlp.Activation, isGated: mlp.IsGated);
        return AddedTo(graph, residual, inner, mlp.Down, mlp.OutputNorm);
    }

    /// <summary>Final norm and projection to logits.</summary>
    public string Head(GraphBuilder graph, string residual) =>
        graph.SoftCap(graph.Linear(residual, model.Head, model.FinalNorm), model.LogitSoftCap);

    // What one stage would hand on to the next is rounded alike.
    private string Blocks(GraphBuilder graph, string residual, ReadOnlySpan<Block> blocks, Func<string, int, string> attend)
    {
        for (int i = 0; i < blocks.Length; i++)
        {
            LayerDescription layer = model.Layers[blocks[i].Layer];
            if (blocks[i].Kind == BlockKind.Mlp)
            {
                residual = Mlp(graph, residual, layer.Mlp, residual);
            }
            else
            {
                string packed = graph.HandedOn(AttentionIn(graph, residual, layer.Attention));
                residual = AttentionOut(graph, graph.HandedOn(attend(packed, blocks[i].Layer)), layer.Attention, residual);
            }

            residual = i < blocks.Length - 1 ? graph.HandedOn(residual, model.HiddenSize) : residual;
        }

        return residual;
    }

    // The kernel adds the residual while it multiplies; a norm between them takes a node more.
    private static string AddedTo(GraphBuilder graph, string residual, string x, LinearDescription linear, NormDescription? norm) =>
        norm is null ? graph.Linear(x, linear, residual: residual) : graph.Add(residual, graph.Norm(graph.Linear(x, linear), norm));

    private string Residual(GraphBuilder graph) => graph.Input(StageNames.Residual, "rows", model.HiddenSize);
}
