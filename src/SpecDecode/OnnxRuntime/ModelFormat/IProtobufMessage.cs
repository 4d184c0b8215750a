namespace SpecDecode.OnnxRuntime.ModelFormat;

/// <summary>A message that can be written as protocol buffers.</summary>
internal interface IProtobufMessage
{
    /// <summary>Writes its fields by their numbers, the lowest first. Called more than once for one file, and must write the same every time.</summary>
    /// <param name="writer">Where to.</param>
    void WriteTo(ref ProtobufWriter writer);
}
