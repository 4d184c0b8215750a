namespace SpecDecode.Peers.Engines;

/// <summary>What is compared.</summary>
internal enum EngineName
{
    /// <summary>This library.</summary>
    SpecDecode,

    /// <summary>llama.cpp, by way of LLamaSharp.</summary>
    LlamaCpp,

    /// <summary>ONNX Runtime GenAI.</summary>
    GenAi,
}
