using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntimeGenAI;

namespace SpecDecode.Peers.Engines;

/// <summary>ONNX Runtime GenAI's generator, whose search is greedy.</summary>
internal sealed class GenAiEngine : IEngine
{
    private readonly OgaHandle _library = new();
    private readonly Config _config;
    private readonly Model _model;
    private readonly int _length;

    /// <summary>Loads a folder with a graph and its configuration.</summary>
    public GenAiEngine(EngineSettings settings)
    {
        _length = settings.Length;
        _config = new Config(settings.Model);
        _config.Overlay(FormattableString.Invariant(
            $"{{\"model\":{{\"decoder\":{{\"session_options\":{{\"intra_op_num_threads\":{settings.Threads}}}}}}}}}"));
        _model = new Model(_config);
    }

    /// <inheritdoc/>
    public string About => $"ONNX Runtime GenAI {PackageVersion.Of("Microsoft.ML.OnnxRuntimeGenAI")} on ONNX Runtime {OrtEnv.Instance().GetVersionString()}";

    /// <inheritdoc/>
    public void Write(int[] prompt, int tokens, Action<int> onToken)
    {
        using GeneratorParams parameters = new(_model);
        parameters.SetSearchOption("max_length", _length);
        using Generator generator = new(_model, parameters);
        generator.AppendTokens(prompt);
        for (int i = 0; i < tokens; i++)
        {
            generator.GenerateNextToken();
            onToken(generator.GetNextTokens()[0]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _model.Dispose();
        _config.Dispose();
        _library.Dispose();
    }
}
