using Microsoft.ML.OnnxRuntime;

namespace SpecDecode.OnnxRuntime.Memory;

/// <summary>Copies rows between the memory of a device and the process's, or within the device's.</summary>
internal interface IRowCopies
{
    /// <summary>Copies rows; it is done when the call returns.</summary>
    /// <param name="from">The rows.</param>
    /// <param name="to">Takes them: the same type and shape.</param>
    void Copy(OrtValue from, OrtValue to);
}
