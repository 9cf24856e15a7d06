// How jemalloc begins: it reads this name when the program starts (jemalloc(3), "TUNING").
//
// Huge pages, where the kernel gives them to who asks: a decision touches some ten places in state
// of gigabytes, and with small pages the processor looks up about as many addresses as it reads
// lines.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "thp:always";
}
