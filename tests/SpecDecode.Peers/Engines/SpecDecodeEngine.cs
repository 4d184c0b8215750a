using System.Reflection;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.Peers.Engines;

/// <summary>This library, as its users call it: plain decoding, without drafts.</summary>
internal sealed class SpecDecodeEngine : IEngine
{
    private readonly TextModel _model;

    /// <summary>Loads a checkpoint folder.</summary>
    public SpecDecodeEngine(EngineSettings settings) => _model = TextModel.Load(
        settings.Model,
        new ModelOptions { Precision = settings.Precision, CacheFolder = settings.CacheFolder },
        new RuntimeOptions { Threads = settings.Threads });

    /// <inheritdoc/>
    public string About
    {
        get
        {
            string? version = typeof(TextModel).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0];
            return $"SpecDecode {version} on ONNX Runtime {OrtEnv.Instance().GetVersionString()}";
        }
    }

    /// <inheritdoc/>
    public void Write(int[] prompt, int tokens, Action<int> onToken) => _model.Generate(
        new GenerationRequest { Tokens = prompt, MaxTokens = tokens, IgnoreEndOfSequence = true, Drafting = DraftingOptions.None }, onToken);

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();
}
