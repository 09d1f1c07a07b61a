using System.Globalization;
using LeadPipeline.Bench;
using LeadPipeline.Bench.Door;
using LeadPipeline.Bench.Tools;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

return await BenchOptions.Command(options => options switch
{
    { Grounding: true } => DecisionRun.RunAsync(options),
    { Tools: true } => ToolSession.RunAsync(options),
    { Door: true } => new DoorSession(options).RunAsync(),
    _ => new BenchSession(options).RunAsync(),
}).Parse(args).InvokeAsync();
