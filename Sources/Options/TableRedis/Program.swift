import TableProgram

/// table-redis: tables in a Redis server.
@main struct Program {
    static func main() {
        #if Redis
        TableProgram.serve(RedisEngine.self)
        #else
        TableProgram.leftOut("table-redis", trait: "Redis")
        #endif
    }
}
