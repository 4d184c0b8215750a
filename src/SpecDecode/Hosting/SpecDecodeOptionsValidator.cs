using Microsoft.Extensions.Options;

namespace SpecDecode.Hosting;

/// <summary>Checks each option by its attributes; the code is generated.</summary>
[OptionsValidator]
internal sealed partial class SpecDecodeOptionsValidator : IValidateOptions<SpecDecodeOptions>;
