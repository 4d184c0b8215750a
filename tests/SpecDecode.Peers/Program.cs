using System.CommandLine;
using SpecDecode;
using SpecDecode.Peers;

InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false };
try
{
    return PeersCommand.Create().Parse(args).Invoke(configuration);
}
catch (SpecDecodeException error)
{
    Console.Error.WriteLine(error.Message);
    return 1;
}
