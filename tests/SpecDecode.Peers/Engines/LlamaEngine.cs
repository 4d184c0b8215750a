using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LLama.Native;

namespace SpecDecode.Peers.Engines;

/// <summary>llama.cpp with its defaults (keys and values in 16 bits, weights repacked for the processor where it knows how), token by token.</summary>
internal sealed class LlamaEngine : IEngine
{
    private readonly SafeLlamaModelHandle _model;
    private readonly SafeLLamaContextHandle _context;
    private readonly LLamaBatch _batch = new();
    private readonly int _vocabulary;

    /// <summary>Loads a GGUF file.</summary>
    public LlamaEngine(EngineSettings settings)
    {
        // Whatever is said in loading would stand between the lines that the other process waits for.
        NativeLibraryConfig.All.WithLogCallback((level, message) =>
        {
            if (level == LLamaLogLevel.Error)
            {
                Console.Error.Write(message);
            }
        });
        NativeApi.llama_empty_call(); // finds the library that fits the processor; nothing else does before it is needed
        _vocabulary = settings.Vocabulary;
        _model = SafeLlamaModelHandle.LoadFromFile(settings.Model, LLamaModelParams.Default());
        LLamaContextParams parameters = LLamaContextParams.Default();
        parameters.n_ctx = (uint)settings.Length;
        parameters.n_batch = (uint)settings.Length;
        parameters.n_threads = settings.Threads;
        parameters.n_threads_batch = settings.Threads;
        _context = SafeLLamaContextHandle.Create(_model, parameters);
    }

    /// <inheritdoc/>
    public string About
    {
        get
        {
            // Such as "CPU : SSE3 = 1 | AVX = 1 | ".
            string features = Marshal.PtrToStringUTF8(NativeApi.llama_print_system_info())!;
            IEnumerable<string> names = features.Split(':')[^1].Split('|', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(feature => feature.Replace(" = 1", "", StringComparison.Ordinal));
            return $"llama.cpp by LLamaSharp {PackageVersion.Of("LLamaSharp")}, {_model.Description}, built with {string.Join(' ', names)}";
        }
    }

    /// <inheritdoc/>
    public void Write(int[] prompt, int tokens, Action<int> onToken)
    {
        _context.MemoryClear();
        _batch.Clear();
        for (int i = 0; i < prompt.Length; i++)
        {
            _batch.Add(prompt[i], i, LLamaSeqId.Zero, logits: i == prompt.Length - 1);
        }

        int row = prompt.Length - 1;
        for (int i = 0; i < tokens; i++)
        {
            DecodeResult result = _context.Decode(_batch);
            if (result != DecodeResult.Ok)
            {
                throw new InvalidOperationException($"llama.cpp refused a pass: {result}.");
            }

            int token = TensorPrimitives.IndexOfMax<float>(_context.GetLogitsIth(row)[.._vocabulary]);
            onToken(token);
            _batch.Clear();
            _batch.Add(token, prompt.Length + i, LLamaSeqId.Zero, logits: true);
            row = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _context.Dispose();
        _model.Dispose();
    }
}
