using System.Text;
using LeadPipeline.Worker.Analysis;

namespace LeadPipeline.Worker.Tests.Analysis;

public class CompanyCsvTests
{
    private static async Task<List<CompanyRow>> Read(string text) =>
        await CompanyCsv.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text))).ToListAsync();

    [Test]
    public async Task Should_make_enrichment_of_a_row()
    {
        var rows = await Read("Domain,company,industry,employees,revenue,country,region,city,techStack,founded_year,note\nhttps://www.ACME.com/about,Acme,SaaS,1200,2M,Germany,,Berlin,AWS | Azure,1999,x\n");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(rows.Single().Domain, Is.EqualTo("acme.com"));
            Assert.That(rows.Single().Enrichment.ToJsonString(), Is.EqualTo(
                """{"company":"Acme","domain":"acme.com","industry":"SaaS","revenue":"2M","employees":1200,"foundedYear":1999,"techStack":["AWS","Azure"],"geo":"Berlin, Germany"}"""));
        }
    }

    [Test]
    public async Task Should_keep_ranges_as_written()
    {
        var rows = await Read("domain;company;employees;geo\nacme.com;Acme;10000+;\"Munich, Bavaria, Germany\"\n");

        Assert.That(rows.Single().Enrichment.ToJsonString(), Is.EqualTo("""{"company":"Acme","domain":"acme.com","employees":"10000+","geo":"Munich, Bavaria, Germany"}""").Or.Contain("10000\\u002B"));
    }

    [Test]
    public async Task Should_tell_of_a_bad_row_and_go_on()
    {
        var rows = await Read("domain,company\n,Acme\nno domain,Acme\nacme.com,\nacme.de,Acme\n");

        Assert.That(rows.Select(r => (r.Line, r.Error is null)), Is.EqualTo(new[] { (2, false), (3, false), (4, false), (5, true) }));
    }
}
