using System.Globalization;
using LeadPipeline.Bench;
using LeadPipeline.Bench.Tools;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

return await BenchOptions.Command(options => options.Tools ? ToolSession.RunAsync(options) : new BenchSession(options).RunAsync()).Parse(args).InvokeAsync();
