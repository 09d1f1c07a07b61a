using System.Globalization;
using LeadPipeline.Bench;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

return await BenchOptions.Command(options => options.Grounding ? DecisionRun.RunAsync(options) : new BenchSession(options).RunAsync()).Parse(args).InvokeAsync();
