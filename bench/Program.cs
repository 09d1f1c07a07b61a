using System.Globalization;
using LeadPipeline.Bench;
using LeadPipeline.Bench.Door;
using LeadPipeline.Bench.Floor;
using LeadPipeline.Bench.Load;
using LeadPipeline.Bench.Tools;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

// The bench starts itself as that: a process of its own, as the worker is.
if (args is [FloorConsumer.Command])
    return await FloorConsumer.RunAsync();

return await BenchOptions.Command(options => options switch
{
    { Grounding: true } => DecisionRun.RunAsync(options),
    { Tools: true } => ToolSession.RunAsync(options),
    { Door: true } => new DoorSession(options).RunAsync(),
    { Flood: > 0 } => new FloodSession(options).RunAsync(),
    { Recover: > 0 } => new RecoverSession(options).RunAsync(),
    _ => new BenchSession(options).RunAsync(),
}).Parse(args).InvokeAsync();
